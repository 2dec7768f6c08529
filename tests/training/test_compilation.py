"""Tests of `--jit`: on and off, resumed runs, and the trial of `auto`."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.support import tiny_runs
from tests.support.cases import tiny_recipe
from tests.support.devices import replicas
from training import compilation
from training.compilation import with_jit
from training.recipe_file import to_json
from training.run_folder import RunFolder, find_run

BATCH = {"real": {"images": np.zeros((10, 8, 8, 1), "uint8")}, "index": np.arange(10)}


@pytest.fixture
def settle(tmp_path, monkeypatch):
    """Returns a function that decides `--jit` for a recipe."""
    monkeypatch.setattr(compilation, "SECONDS", 0.0)

    def choose(recipe, model=None):
        model = model or tiny_runs.make(recipe)
        folder = RunFolder(tmp_path / "run")
        batch = tf.nest.map_structure(tf.constant, BATCH)
        found = with_jit(recipe, folder, model, lambda: batch, cache=tmp_path / "cache")
        assert model.jit_compile == (found.devices.jit == "on")
        return found

    return choose


def long_recipe(**changes):
    return tiny_recipe("lsgan", steps=compilation.WORTH_A_TRIAL, **changes)


def with_gpu(monkeypatch):
    """Makes TensorFlow list a GPU."""
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [kind])


def times(monkeypatch, *, plain, compiled):
    """Replaces the durations that the trial measures."""
    seconds = iter([plain, compiled] * compilation.ROUNDS)
    monkeypatch.setattr(compilation, "_seconds", lambda call: call() or next(seconds))


def test_a_trial_does_not_change_the_model_and_runs_once(settle, tmp_path, monkeypatch, capsys):
    recipe = long_recipe()
    model = tiny_runs.make(recipe)
    before = model.get_weights(), [v.numpy() for v in model.optimizer.variables]
    times(monkeypatch, plain=1.2, compiled=1.0)
    assert settle(recipe, model).devices.jit == "on"
    assert "XLA is 1.20 times as fast, so it is on" in capsys.readouterr().out
    after = model.get_weights(), [v.numpy() for v in model.optimizer.variables]
    tf.nest.map_structure(np.testing.assert_array_equal, before, after)
    assert model.train_function is None
    # A second run with the same step has no trial; seed and length do not matter.
    other = recipe.with_options(seed=5, steps=recipe.run.steps * 2)
    assert settle(other).devices.jit == "on" and not capsys.readouterr().out
    choices = tmp_path / "cache" / "choices.json"
    assert list(json.loads(choices.read_text()).values()) == ["on"]
    # If the stored choice is damaged, there is a new trial.
    choices.write_text("{")
    monkeypatch.setattr(compilation, "_try_out", lambda *_: "off")
    assert settle(recipe).devices.jit == "off"


def test_a_step_that_xla_cannot_compile_trains_without(settle, capsys):
    recipe = long_recipe()
    model = tiny_runs.make(recipe)
    step = model.train_step

    def with_python(data):
        tf.py_function(lambda: 0, [], tf.int32)
        return step(data)

    model.train_step = with_python
    assert settle(recipe, model).devices.jit == "off"
    assert "cannot compile" in capsys.readouterr().out


def test_short_runs_and_several_cpu_devices_have_no_trial(settle, monkeypatch):
    monkeypatch.setattr(compilation, "_try_out", lambda *_: pytest.fail("tried"))
    assert settle(tiny_recipe("lsgan", steps=compilation.WORTH_A_TRIAL - 1)).devices.jit == "off"
    recipe = long_recipe()
    assert settle(recipe, tiny_runs.make(recipe, replicas(2))).devices.jit == "off"
    assert settle(long_recipe(jit="on")).devices.jit == "on"


@pytest.mark.parametrize("count", [1, 2])
def test_gpus_use_xla_without_a_trial(count, settle, monkeypatch):
    """A list of a device stands for GPUs, which these tests do not have."""
    monkeypatch.setattr(compilation, "_try_out", lambda *_: pytest.fail("tried"))
    recipe = tiny_recipe("lsgan", steps=8)
    model = tiny_runs.make(recipe, replicas(count))
    with_gpu(monkeypatch)
    assert settle(recipe, model).devices.jit == "on"


def test_a_run_continues_with_its_first_choice(settle, tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "_try_out", lambda *_: pytest.fail("tried"))
    recipe = long_recipe(run_dir=str(tmp_path / "run"))
    RunFolder(tmp_path / "run").create(recipe.with_options(jit="on"))
    assert find_run(recipe).path == tmp_path / "run"
    assert settle(recipe).devices.jit == "on"
    with pytest.raises(Exception, match="--jit: on in the run, off now"):
        find_run(recipe.with_options(jit="off"))
    assert '"jit": "on"' in to_json(settle(recipe))


def test_a_run_that_began_without_a_choice_continues_without_xla(settle, tmp_path, monkeypatch):
    monkeypatch.setattr(compilation, "_try_out", lambda *_: pytest.fail("tried"))
    recipe = long_recipe()
    RunFolder(tmp_path / "run").create(recipe)
    assert recipe.devices.jit == "auto" and settle(recipe).devices.jit == "off"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lsgan", "clsgan"])
def test_an_interrupted_compiled_run_gives_the_same_weights(name, tmp_path):
    recipe = tiny_recipe(name, jit="on", steps=4, checkpoint_every=2, report_every=2)
    whole, halves = tiny_runs.make(recipe), tiny_runs.make(recipe)
    tiny_runs.run(recipe, whole, tmp_path / "whole")
    tiny_runs.run(recipe.with_options(steps=2), halves, tmp_path / "halves")
    again = tiny_runs.make(recipe)
    tiny_runs.run(recipe, again, tmp_path / "halves")
    for ours, theirs in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_the_next_run_uses_the_cache_of_xla(tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    small = ["--generator-filters", "8", "--critic-filters", "4", "--batch-size", "8"]
    options = ["--model", "lsgan", "--jit", "on", "--steps", "2", "--report-every", "2", *small]
    # A run that decodes the images traces other functions before the step, so they are decoded now.
    words = ["training.data", "digits", "--split", "test", "--out", str(tmp_path / "digits.npz")]
    subprocess.run([sys.executable, "-m", *words], check=True, env=environment)
    for run in ("one", "two"):
        words = [sys.executable, "-m", "training.fit", *options, "--run-dir", str(tmp_path / run)]
        subprocess.run(words, check=True, env=environment)
        kept = list((tmp_path / "cache" / "lipschitz-gan-zoo" / "xla").rglob("*.pb"))
        if run == "one":
            first = {path: path.stat().st_mtime_ns for path in kept}
    assert first and {path: path.stat().st_mtime_ns for path in kept} == first
    ends = [next((tmp_path / run / "checkpoints").glob("*.npz")).name for run in ("one", "two")]
    assert ends[0] == ends[1]
