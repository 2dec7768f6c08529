"""A model's step is traced once, and memory stays flat, with samples, reports and checkpoints."""

import subprocess
import sys

import keras
import pytest
from tensorflow.python.eager import context

from tests.support.cases import REGISTERED, slow_but
from tests.support.devices import replicas
from tests.support.tiny_runs import make, run
from tests.support.variants import recipe_of
from training import stage_training

CASES = slow_but(REGISTERED, quick=["lsgan"])


class FunctionCount(keras.callbacks.Callback):
    """How many graph functions TensorFlow holds at each report."""

    def __init__(self):
        super().__init__()
        self.counts = []

    def on_epoch_end(self, epoch, logs=None):
        self.counts.append(len(context.context().list_function_names()))


@pytest.fixture
def function_count(monkeypatch):
    counter, reporting = FunctionCount(), stage_training.reporting
    monkeypatch.setattr(
        stage_training,
        "reporting",
        lambda *place, **named: [*reporting(*place, **named), counter],
    )
    return counter


def trace_count(case, count, folder):
    """Trains 200 steps; returns how often the step was traced, on any replica."""
    recipe = recipe_of(case, steps=200, report_every=30, checkpoint_every=25)
    model = make(recipe, replicas(count))
    step, traces = model.train_step, []

    def counted(data):
        traces.append(1)
        return step(data)

    model.train_step = counted
    run(recipe, model, folder)
    assert int(keras.ops.convert_to_numpy(model.step)) == 200
    return len(traces)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.covers("one trace in 200 steps")
def test_the_step_is_traced_once_in_200_steps(case, tmp_path, function_count):
    """Seven reports, the last of 20 steps, and eight checkpoints; nothing else is traced anew."""
    assert trace_count(case, 1, tmp_path) == 1
    assert len(function_count.counts) == 7
    assert len(set(function_count.counts[1:6])) == 1, function_count.counts
    assert len(list((tmp_path / "samples").iterdir())) == 7


@pytest.mark.slow
def test_two_replicas_trace_it_once_each(tmp_path):
    assert trace_count("lsgan", 2, tmp_path) == 2


@pytest.mark.slow
@pytest.mark.parametrize("case", ["lsgan", "clsgan", "lgan, max_al, buffer replaced"])
@pytest.mark.covers("memory flat over 1,000 steps")
def test_memory_is_flat_over_1000_steps(case, tmp_path, capsys):
    """In a process of its own: growth of what it holds from step 200 to step 1,200 below 2 %."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.memory", str(tmp_path), case],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    line = done.stdout.splitlines()[-1]
    with capsys.disabled():
        print(f"\n{line}")
    assert float(line.split()[-2]) < 2.0, line
