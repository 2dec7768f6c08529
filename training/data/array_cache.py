"""Keeps decoded splits as `.npy` files: the next start reads them instead of decoding again."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable
from typing import Literal

import numpy as np

from training.data.image_data import Split
from zoo.errors import UserError

SPLITS = ("train", "validation", "test")

Allocate = Callable[[str, tuple[int, ...]], np.ndarray]
"""Makes an uninitialised `uint8` array of a shape for the images of the named split."""


def cached_splits(
    folder: pathlib.Path, build: Callable[[Allocate], dict[str, Split]], *, mapped: bool
) -> dict[str, Split]:
    """Opens the splits kept in `folder`; builds them there first if there are none.

    Args:
        folder: where the files are. It gets its name only once it is complete, so that an
            interrupted build leaves nothing that is taken for one.
        build: fills arrays that it asks `Allocate` for and returns the splits made of them.
        mapped: whether the images stay in the files, as read-only memory maps. If not, they are
            read into memory, and built there where the files cannot be written.

    Returns:
        The splits by name.

    Raises:
        UserError: if the files are damaged or, for memory maps, cannot be written.
    """
    if not folder.is_dir():
        try:
            _write(folder, build)
        except OSError as error:
            if not mapped:
                return build(lambda name, shape: np.empty(shape, np.uint8))
            raise UserError(f"Cannot write the arrays of a large data set: {error}.") from error
    try:
        return {name: _open(folder, name, "r" if mapped else None) for name in SPLITS}
    except (OSError, ValueError, EOFError) as error:
        raise UserError(
            f"The arrays in {folder} are damaged ({error}). Delete that folder; it is then made "
            "again."
        ) from error


def _write(folder: pathlib.Path, build: Callable[[Allocate], dict[str, Split]]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    incomplete = pathlib.Path(tempfile.mkdtemp(prefix="incomplete.", dir=folder.parent))

    def allocate(name: str, shape: tuple[int, ...]) -> np.ndarray:
        return np.lib.format.open_memmap(
            incomplete / f"{name}_images.npy", mode="w+", dtype=np.uint8, shape=shape
        )

    try:
        for name, split in build(allocate).items():
            if isinstance(split.images, np.memmap):
                split.images.flush()
            if split.labels is not None:
                np.save(incomplete / f"{name}_labels.npy", split.labels)
        incomplete.chmod(0o755)
        try:
            os.replace(incomplete, folder)
        except OSError:
            if not folder.is_dir():  # Otherwise another process was faster.
                raise
    finally:
        shutil.rmtree(incomplete, ignore_errors=True)


def _open(folder: pathlib.Path, name: str, mode: Literal["r"] | None) -> Split:
    images = np.load(folder / f"{name}_images.npy", mmap_mode=mode)
    labels_file = folder / f"{name}_labels.npy"
    return Split(images, np.load(labels_file) if labels_file.exists() else None)
