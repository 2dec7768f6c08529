"""Labelled images from a file, to measure the accuracy of an exported classifier on."""

import pathlib
import zipfile
from typing import NamedTuple

import numpy as np

from zoo.errors import UserError


class LabelledImages(NamedTuple):
    """Images and their classes.

    Attributes:
        images: uint8 array `[N, height, width, channels]`.
        labels: integer array `[N]`.
    """

    images: np.ndarray
    labels: np.ndarray


def read_labelled_images(file: str) -> LabelledImages:
    """Reads the arrays `images` and `labels` of an `.npz` file.

    Raises:
        UserError: no such file, or arrays of another name, dtype or shape.
    """
    path = pathlib.Path(file).expanduser()
    if not path.is_file():
        name = path.stem or "digits"
        raise UserError(
            f"--data {file}: there is no such file. Give an .npz file with uint8 `images` "
            "[N, height, width, channels] and integer `labels` [N]. To write one from the test "
            f"split of a data set, type: python -m training.data {name} --split test "
            f"--out {name}.npz"
        )
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except (KeyError, ValueError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(
            f"--data {file}: expected an .npz file with the arrays `images` and `labels`: {error}"
        ) from None
    if images.dtype != np.uint8 or images.ndim != 4:
        raise UserError(
            f"--data {file}: `images` must be uint8 [N, height, width, channels], received "
            f"{images.dtype} {images.shape}."
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise UserError(
            f"--data {file}: `labels` must be integers [{len(images)}], received {labels.dtype} "
            f"{labels.shape}."
        )
    return LabelledImages(images, labels)
