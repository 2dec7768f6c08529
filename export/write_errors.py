"""Errors of files that cannot be written, of Python's and TensorFlow's operations."""

import errno
import os

_FULL = {
    errno.ENOSPC: "No space left on device",
    errno.EDQUOT: "Disk quota exceeded",
    errno.EFBIG: "File too large",
}


def is_full(error: BaseException | str) -> bool:
    """Returns whether an error, or the text of one, means that a disk or quota is full."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(reason.lower() in str(error).lower() for reason in _FULL.values())


def describe_write_error(error: BaseException, directory: str | os.PathLike) -> str:
    """Returns one sentence about an error of an export to a folder.

    Args:
        error: an `OSError`, or an error of TensorFlow's file operations.
        directory: the folder of the export.
    """
    text = " ".join(str(error).split())
    if not is_full(error):
        return text
    reason = next((r for r in _FULL.values() if r.lower() in text.lower()), text)
    return (
        f"Nothing was exported to {directory}, because a file cannot be written: {reason}. Make "
        "room there and in the folder for temporary files (TMPDIR), and type the same command "
        "again."
    )
