"""A cache of decoded splits in `.npy` files, so that later runs do not decode again."""

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
"""Allocates an uninitialised `uint8` array of the given shape for the images of a named split."""


def cached_splits(
    folder: pathlib.Path, build: Callable[[Allocate], dict[str, Split]], *, mapped: bool
) -> dict[str, Split]:
    """Opens the splits in `folder`. If the folder does not exist, builds the splits first.

    Args:
        folder: the folder of the files. It gets its final name when it is complete, so an
            interrupted build is never mistaken for a complete one.
        build: fills arrays that it requests with `Allocate`, and returns splits of these arrays.
        mapped: leave the images in the files, as read-only memory maps. If False, the images are
            read into memory. Files that cannot be written are then not an error.

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
            f"The arrays in {folder} are damaged ({error}). Delete this folder; the next run "
            "builds it again."
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
            if not folder.is_dir():  # If it exists, another process was faster.
                raise
    finally:
        shutil.rmtree(incomplete, ignore_errors=True)


def _open(folder: pathlib.Path, name: str, mode: Literal["r"] | None) -> Split:
    images = np.load(folder / f"{name}_images.npy", mmap_mode=mode)
    labels_file = folder / f"{name}_labels.npy"
    return Split(images, np.load(labels_file) if labels_file.exists() else None)
