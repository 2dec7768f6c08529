"""A cache of decoded splits in `.npy` files, so that later runs do not decode again."""

import errno
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from typing import Literal

import numpy as np

from training.cache import LIMIT, make_room, size_limit, size_text
from training.data.image_data import Split
from zoo.errors import UserError

SPLITS = ("train", "validation", "test")
_SOURCE = "source.txt"

Allocate = Callable[[str, tuple[int, ...]], np.ndarray]
"""Allocates an uninitialised `uint8` array of the given shape for the images of a named split."""
Build = Callable[[Allocate], dict[str, Split]]
"""Fills arrays that it requests with `Allocate`, and returns splits of these arrays."""


def cached_splits(
    folder: pathlib.Path, build: Build, *, mapped: bool, size: int, source: pathlib.Path
) -> dict[str, Split]:
    """Opens the splits in `folder`. If the folder does not exist, builds the splits first.

    A line on standard error states what is written where. Entries of the same source with other
    contents are removed, and so are the entries that were not used for longest if all entries
    exceed the limit of `training.cache.size_limit`. Damaged files are built again.

    Args:
        folder: the folder of the files. It gets its final name when it is complete, so an
            interrupted build is never mistaken for a complete one.
        build: fills arrays that it requests with `Allocate`, and returns splits of these arrays.
        mapped: leave the images in the files, as read-only memory maps. If False, the images are
            read into memory. Files that cannot be written are then not an error.
        size: int, the bytes of all images.
        source: the folder that the images are read from.

    Returns:
        The splits by name.

    Raises:
        UserError: if memory maps are needed and cannot be written.
    """
    if folder.is_dir():
        try:
            splits = _open_all(folder, mapped=mapped)
        except (OSError, ValueError, EOFError) as error:
            _print(f"The decoded images in {folder} are damaged ({error}). They are built again.")
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _touch(folder)
            return splits
    try:
        _reserve(folder, size=size, source=source)
        _write(folder, build, source)
        return _open_all(folder, mapped=mapped)
    except OSError as error:
        reason = error.strerror or str(error)
        if mapped:
            raise UserError(
                f"Cannot write {size_text(size)} of decoded images to {folder}: {reason}. A data "
                "set of this size needs files. Set XDG_CACHE_HOME to a folder with enough room."
            ) from error
        _print(f"Decoding {source} in memory, because {folder} cannot be written: {reason}.")
        return build(lambda name, shape: np.empty(shape, np.uint8))


def _reserve(folder: pathlib.Path, *, size: int, source: pathlib.Path) -> None:
    """Removes what is outdated, and raises `OSError` if the images exceed the limit."""
    if size > size_limit():
        raise OSError(
            errno.EFBIG,
            f"the limit of the cache is {size_text(size_limit())}, set {LIMIT} to a larger number "
            "of GiB",
        )
    for marker in folder.parent.glob(f"*/{_SOURCE}"):
        if marker.parent != folder and _same_kind(marker.parent, folder, source):
            shutil.rmtree(marker.parent, ignore_errors=True)
    for removed in make_room(folder.parent, size):
        _print(f"Removed {removed}, which was not used for longest.")
    _print(
        f"Writing the decoded images of {source} ({size_text(size)}) to {folder}. To list or "
        "remove such files, type: python -m training.cache list, or clear."
    )


def _same_kind(entry: pathlib.Path, folder: pathlib.Path, source: pathlib.Path) -> bool:
    """Returns whether an entry has earlier contents of the same source in the same form."""
    if entry.name.rpartition("-")[0] != folder.name.rpartition("-")[0]:
        return False
    try:
        return (entry / _SOURCE).read_bytes() == os.fsencode(source)
    except OSError:
        return False


def _write(folder: pathlib.Path, build: Build, source: pathlib.Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    incomplete = pathlib.Path(tempfile.mkdtemp(prefix="incomplete.", dir=folder.parent))

    def allocate(name: str, shape: tuple[int, ...]) -> np.ndarray:
        file = incomplete / f"{name}_images.npy"
        array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
        _occupy(file)
        return array

    try:
        for name, split in build(allocate).items():
            if isinstance(split.images, np.memmap):
                split.images.flush()
            if split.labels is not None:
                np.save(incomplete / f"{name}_labels.npy", split.labels)
        (incomplete / _SOURCE).write_bytes(os.fsencode(source))
        incomplete.chmod(0o755)
        try:
            os.replace(incomplete, folder)
        except OSError:
            if not folder.is_dir():  # If it exists, another process was faster.
                raise
    finally:
        shutil.rmtree(incomplete, ignore_errors=True)


def _occupy(file: pathlib.Path) -> None:
    """Reserves a file's place on the disk. Writing to a map on a full disk ends the process."""
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise


def _touch(folder: pathlib.Path) -> None:
    try:
        os.utime(folder)
    except OSError:
        return  # A cache that cannot be written is still read.


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _open_all(folder: pathlib.Path, *, mapped: bool) -> dict[str, Split]:
    return {name: _open(folder, name, "r" if mapped else None) for name in SPLITS}


def _open(folder: pathlib.Path, name: str, mode: Literal["r"] | None) -> Split:
    images = np.load(folder / f"{name}_images.npy", mmap_mode=mode)
    labels_file = folder / f"{name}_labels.npy"
    return Split(images, np.load(labels_file) if labels_file.exists() else None)
