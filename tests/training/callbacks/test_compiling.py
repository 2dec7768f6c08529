"""The lines that a run prints while XLA compiles its step."""

import types

import pytest

from training.callbacks import compiling
from training.callbacks.compiling import Compiling


def train(callback: Compiling, *, steps: int) -> None:
    callback.on_train_begin()
    for step in range(steps):
        callback.on_train_batch_end(step)


@pytest.fixture
def callback(monkeypatch) -> Compiling:
    monkeypatch.setattr(compiling, "round_up_names", lambda: None)
    callback = Compiling(first_step=10)
    callback.set_model(types.SimpleNamespace(jit_compile=True, steps_per_execution=2))
    return callback


def test_one_line_before_and_one_after_the_first_call(callback, capsys):
    train(callback, steps=3)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("XLA compiles the step; this takes about a minute")
    assert lines[1].startswith("The first step is done after ") and lines[1].endswith(" s.")
    assert callback.run_step == 16


def test_nothing_is_printed_again_nor_without_xla(callback, capsys):
    train(callback, steps=1)
    capsys.readouterr()
    train(callback, steps=1)
    other = Compiling()
    other.set_model(types.SimpleNamespace(jit_compile=False, steps_per_execution=1))
    train(other, steps=2)
    assert capsys.readouterr().out == ""
