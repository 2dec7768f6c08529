"""Errors of a full disk in one sentence."""

import contextlib
import pathlib
from collections.abc import Iterator

from zoo.errors import UserError


@contextlib.contextmanager
def writing(folder: pathlib.Path, what: str) -> Iterator[None]:
    """Translates errors of writing into one sentence.

    Args:
        folder: the folder of a run.
        what: what is written, for the message.

    Raises:
        UserError: it cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"Cannot write {what} to {folder}: {reason}. The last checkpoint is intact. Free disk "
            "space and run the same command again."
        ) from None
