"""Disk space: reserved before a long write, and errors of a full disk in one sentence."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator

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


def reserve(folder: pathlib.Path, sizes: Iterable[int]) -> None:
    """Checks that files of some sizes fit into a folder together, by allocating them for a moment.

    HDF5 may end the process if the disk becomes full while it writes. The size of free space alone
    does not show quotas and limits.

    Args:
        folder: the folder; it exists.
        sizes: sizes in bytes.

    Raises:
        OSError: they do not fit.
    """
    with contextlib.ExitStack() as stack:
        for size in sizes:
            file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, prefix=".space-"))
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
