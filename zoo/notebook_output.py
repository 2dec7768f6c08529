"""Progress bars in notebooks: one output per bar, which is replaced as the bar moves."""

import contextlib
import io
import re
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

_SECONDS = 0.2
"""Least time between two updates of a bar."""


def in_notebook() -> bool:
    """Returns whether printed lines go to the output of a notebook's cell."""
    return type(sys.stdout).__module__.startswith("ipykernel.")


@contextlib.contextmanager
def bars_in_notebook() -> Iterator[None]:
    """Shows the progress bars that are printed in the block properly in a notebook.

    Keras rewrites a bar's line with backspaces and carriage returns. A notebook that was executed
    without a browser stores each of them. Here, each bar is one output of the cell, and the file
    stores its last state. Outside of notebooks, nothing changes.
    """
    if not in_notebook():
        yield
        return
    lines = BarLines(sys.stdout, _show)
    try:
        with contextlib.redirect_stdout(lines):
            yield
    finally:
        lines.close()


class BarLines(io.TextIOBase):
    """A text stream that shows rewritten lines as bars, and passes other text on.

    Args:
        stream: receives all other text.
        show: shows a new bar; returns the function that replaces its text.
    """

    def __init__(self, stream: TextIO, show: Callable[[str], Callable[[str], Any]]):
        super().__init__()
        self._stream = stream
        self._show = show
        self._replace: Callable[[str], Any] | None = None
        self._text = ""
        self._shown = ""
        self._last = 0.0

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream below; Keras reads it."""
        return self._stream.encoding

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def flush(self) -> None:
        self._stream.flush()

    def write(self, text: str) -> int:
        """Writes text; what follows the last carriage return of a line is the bar's new text."""
        for line in re.split(r"(?<=\n)", text):
            bar = line.rstrip("\n").rpartition("\r")[2].rstrip()
            if "\r" not in line or not bar:
                self._stream.write(line)
                continue
            ends = line.endswith("\n")
            self._text = bar
            self._update(now=ends)
            if ends:
                self._replace, self._text, self._shown = None, "", ""
        return len(text)

    def close(self) -> None:
        """Shows the last text of a bar that did not end."""
        if not self.closed:
            self._update(now=True)
        super().close()

    def _update(self, *, now: bool) -> None:
        if self._text == self._shown or not (now or time.monotonic() - self._last >= _SECONDS):
            return
        if self._replace is None:
            self._replace = self._show(self._text)
        else:
            self._replace(self._text)
        self._shown, self._last = self._text, time.monotonic()


def _show(text: str) -> Callable[[str], None]:
    """Shows text as an output of the cell; returns the function that replaces it."""
    from IPython.display import display

    handle = display({"text/plain": text}, raw=True, display_id=True)
    assert handle is not None
    return lambda new: handle.update({"text/plain": new}, raw=True)
