"""Tests of the pace of a run: its expected end, seconds per step, and the share of waiting."""

import time

import numpy as np
import pytest
import tensorflow as tf

from training.callbacks import pace as module
from training.callbacks.pace import Pace
from training.waiting import Waiting


class Model:
    steps_per_execution = 2


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets forward."""

    class Clock:
        now = 100.0

        def perf_counter(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def steps(pace: Pace, clock, count: int, *, seconds: float) -> None:
    for _ in range(count):
        clock.now += seconds
        pace.on_train_batch_end(0, {})


def test_the_end_is_printed_once_and_the_first_call_is_left_out(clock, capsys):
    pace = Pace(steps=1000, waiting=Waiting(), first_step=100)
    pace.set_model(Model())
    assert pace.seconds_per_step() is None
    steps(pace, clock, 1, seconds=500.0)
    assert pace.seconds_per_step() is None
    steps(pace, clock, 4, seconds=2.0)
    assert not capsys.readouterr().out
    steps(pace, clock, 5, seconds=2.0)
    printed = capsys.readouterr().out
    # Five calls of two seconds: 112 of 1,000 steps, one second each.
    assert printed.startswith("\nAbout 15 minutes for the other 888 steps, until ")
    assert printed.count("About") == 1
    clock.now += 20.0
    assert pace.seconds_per_step() == pytest.approx((9 * 2.0 + 20.0) / 18)


def test_a_known_end_is_not_printed(clock, capsys):
    pace = Pace(steps=1000, waiting=Waiting(), announces=False)
    pace.set_model(Model())
    steps(pace, clock, 10, seconds=2.0)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(("slow", "share"), [("input", 0.6), ("step", 0.0)])
def test_the_share_of_waiting(slow, share):
    """Elements in 20 ms for steps of 5 ms: three quarters of the time are waits."""
    pause, work = (0.02, 0.005) if slow == "input" else (0.0, 0.02)

    def made(number: np.ndarray) -> np.ndarray:
        time.sleep(pause)
        return number

    elements = tf.data.Dataset.range(100)
    elements = elements.map(lambda x: tf.numpy_function(made, [x], tf.int64)).prefetch(1)
    pace = Pace(steps=100, waiting=Waiting())
    pace.set_model(Model())
    assert pace.waiting_share() == {}
    seen = []
    for element in pace.waiting.measured(elements).take(20):
        seen.append(int(element))
        time.sleep(work)
        pace.on_train_batch_end(0, {})
    assert seen == list(range(20))
    found = pace.waiting_share()["waiting"]
    assert found > share if slow == "input" else found < 0.3
    logs: dict[str, float] = {}
    pace.on_epoch_end(0, logs)
    assert logs == {"waiting": found}
