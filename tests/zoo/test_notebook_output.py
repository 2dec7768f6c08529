"""Progress bars in notebooks; tests/docs/test_quickstart.py runs a notebook."""

import contextlib
import io
import sys

import keras
import pytest

from zoo import notebook_output
from zoo.notebook_output import BarLines, bars_in_notebook, in_notebook


@pytest.fixture
def shown():
    """The states of each bar."""
    return []


@pytest.fixture
def lines(shown, monkeypatch):
    """A stream whose bars are updated at each write."""
    monkeypatch.setattr(notebook_output, "_SECONDS", 0.0)

    def show(text):
        states = [text]
        shown.append(states)
        return states.append

    return BarLines(io.StringIO(), show)


def test_a_rewritten_line_is_one_bar_and_other_text_passes(lines, shown):
    for text in ("Epoch 1/2\n", "\r1/2 a", "\b\b\b\b\b\r2/2  \n", "Epoch 2/2\n", "\r1/2\n", "end"):
        lines.write(text)
    assert shown == [["1/2 a", "2/2"], ["1/2"]]
    assert lines._stream.getvalue() == "Epoch 1/2\nEpoch 2/2\nend"


def test_keras_bar_ends_with_its_last_state(lines, shown):
    with contextlib.redirect_stdout(lines):
        bar = keras.utils.Progbar(3, interval=0.0)
        for step in range(4):
            bar.update(step, [("loss", 1.0 / (1 + step))])
        print("done")
    assert len(shown) == 1 and "3/3" in shown[0][-1] and "\b" not in "".join(shown[0])
    assert lines._stream.getvalue() == "done\n"


def test_few_updates_are_sent(lines, shown, monkeypatch):
    monkeypatch.setattr(notebook_output, "_SECONDS", 60.0)
    for step in range(1000):
        lines.write(f"\r{step}")
    lines.close()
    assert shown == [["0", "999"]]


def test_a_bar_that_did_not_end_shows_its_last_text(lines, shown, monkeypatch):
    lines.write("\rfirst")
    monkeypatch.setattr(notebook_output, "_SECONDS", 60.0)
    lines.write("\rlast")
    assert shown == [["first"]]
    lines.close()
    assert shown == [["first", "last"]]


def test_windows_line_ends_are_no_bars(lines, shown):
    lines.write("one\r\ntwo\r\n")
    assert shown == [] and lines._stream.getvalue() == "one\r\ntwo\r\n"


def test_nothing_changes_outside_of_notebooks():
    before = sys.stdout
    assert not in_notebook()
    with bars_in_notebook():
        assert sys.stdout is before
