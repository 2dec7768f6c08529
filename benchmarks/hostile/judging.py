"""Runs one case and judges its outcome."""

import contextlib
import dataclasses
import io
import os
import pathlib
import signal
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

from zoo.errors import UserError

SUCCESS = "success"
REFUSED = "refused"
FAILED = "FAILED"
SECONDS = 20
LONGEST_MESSAGE = 3000


@dataclasses.dataclass(frozen=True)
class Case:
    """A hostile input and the action that reads it.

    Attributes:
        title: the input in a few words.
        action: reads the input. Returns None or an exit code.
        refusals: the errors by which the action may refuse the input. A command catches the same
            ones.
    """

    title: str
    action: Callable[[], object]
    refusals: tuple[type[Exception], ...] = (UserError,)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes:
        verdict: `SUCCESS`, `REFUSED` or `FAILED`.
        message: the message of a refusal, or what failed.
        place: for a failure, the type of the error and the line that raised it.
    """

    verdict: str
    message: str = ""
    place: str = ""


class _TooSlow(BaseException):
    """The action took too long. Not an `Exception`, so that no reader catches it."""


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    # A pool of threads waits for its threads when it is left, so one signal is not enough.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def judge(case: Case) -> Outcome:
    """Runs a case; returns its outcome."""
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            _time_limit(SECONDS),
        ):
            code = case.action()
    except case.refusals as error:
        return _judge_message(str(error), error)
    except SystemExit as stop:
        code = stop.code
    except _TooSlow as error:
        return Outcome(FAILED, f"no answer within {SECONDS} s", _place(error))
    except Exception as error:
        return Outcome(FAILED, f"{type(error).__name__}: {error}"[:300], _place(error))
    if code not in (None, 0, 2):
        return Outcome(FAILED, f"exit code {code}: {printed.getvalue()[-200:]}", f"exit {code}")
    if "Traceback" in printed.getvalue():
        return Outcome(FAILED, printed.getvalue()[-300:], "a traceback was printed")
    return _judge_message(printed.getvalue(), None) if code == 2 else Outcome(SUCCESS)


def _judge_message(message: str, error: Exception | None) -> Outcome:
    place = "" if error is None else _place(error)
    if len(message.strip()) < 10:
        return Outcome(FAILED, f"a refusal without a sentence: {message!r}", place)
    if len(message) > LONGEST_MESSAGE:
        return Outcome(FAILED, f"a message of {len(message):,} characters", place)
    return Outcome(REFUSED, message)


def _place(error: BaseException) -> str:
    """Returns the type of an error and the last line of this project that it passed."""
    root = str(pathlib.Path(__file__).parents[2])
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(root) and "/.venv/" not in f.filename]
    own = [f for f in own if "/hostile/" not in f.filename] or own
    where = own[-1] if own else frames[-1]
    return f"{type(error).__name__} at {os.path.relpath(where.filename, root)}:{where.lineno}"
