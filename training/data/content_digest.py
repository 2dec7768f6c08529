"""A hash of the contents of a folder's files, remembered for as long as the files do not change."""

import contextlib
import hashlib
import os
import pathlib
import tempfile


def content_digest(folder: pathlib.Path, *, memory: pathlib.Path) -> str:
    """Returns 16 hexadecimal digits that depend on the names and contents of a folder's files.

    Two copies of a folder have the same digest.

    Args:
        folder: the folder; its sub-folders do not count.
        memory: a folder of remembered digests. If it cannot be written, nothing is remembered.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    unchanged = _state(files)
    place = os.fsencode(folder.resolve())
    remembered = memory / hashlib.sha256(place).hexdigest()[:16]
    with contextlib.suppress(OSError, ValueError):
        state, digest = remembered.read_text(encoding="ascii").split()
        if state == unchanged:
            return digest
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            total.update(os.fsencode(path.name) + b"\n")
            total.update(hashlib.file_digest(file, "sha256").digest())
    digest = total.hexdigest()[:16]
    with contextlib.suppress(OSError):
        memory.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=memory)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{unchanged} {digest}\n")
        os.replace(part, remembered)
    return digest


def _state(files: list[pathlib.Path]) -> str:
    """Returns a hash of the files' names, sizes and times."""
    digest = hashlib.sha256()
    for path in files:
        stat = path.stat()
        digest.update(os.fsencode(path.name) + f"/{stat.st_size}/{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
