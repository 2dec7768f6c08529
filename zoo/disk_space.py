"""Disk space, reserved before a long write."""

import contextlib
import errno
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterable


def reserve(folder: pathlib.Path, sizes: Iterable[int]) -> None:
    """Checks that files of some sizes fit into a folder together, by allocating them for a moment.

    HDF5 may end the process if the disk becomes full while it writes. The size of free space alone
    does not show quotas and limits. It is used on systems that cannot allocate files.

    Args:
        folder: the folder; it exists.
        sizes: sizes in bytes.

    Raises:
        OSError: they do not fit.
    """
    sizes = [max(size, 1) for size in sizes]
    try:
        if sys.platform == "linux":
            _allocate(folder, sizes)
        elif shutil.disk_usage(folder).free < sum(sizes):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def _allocate(folder: pathlib.Path, sizes: Iterable[int]) -> None:
    with contextlib.ExitStack() as stack:
        for size in sizes:
            file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, prefix=".space-"))
            os.posix_fallocate(file.fileno(), 0, size)
