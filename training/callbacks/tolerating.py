"""Logs that cannot be written: a warning, and the run continues."""

import functools
import sys
from collections.abc import Callable

import tensorflow as tf

from zoo.errors import UserError


def tolerating(write: Callable[[], object], *, what: str) -> None:
    """Calls a function that writes a log; prints a warning if the log cannot be written.

    Args:
        write: the function.
        what: what it writes, for the warning, which is printed once per process.
    """
    try:
        write()
    except BrokenPipeError:
        raise
    except (OSError, tf.errors.OpError, UserError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        _warn(what, reason)


@functools.cache
def _warned(what: str) -> list[str]:
    return []


def _warn(what: str, reason: str) -> None:
    if not _warned(what):
        _warned(what).append(reason)
        print(
            f"\nwarning: {what} cannot be written ({reason}). The run continues without them.",
            file=sys.stderr,
        )
