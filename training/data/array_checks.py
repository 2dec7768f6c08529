"""Checks of arrays of images and labels. Each error states the conversion to type."""

import math

import numpy as np

from training.data.text import listed
from zoo.errors import UserError

CHANNELS = (1, 2, 3, 4)
"""The numbers of channels that a PNG file can have."""


def check_images(images: np.ndarray, name: str) -> np.ndarray:
    """Returns images as an array `[N, H, W, C]`.

    Args:
        images: a `uint8` array `[N, H, W]` or `[N, H, W, C]`.
        name: the name of the array, for messages.

    Raises:
        UserError: if the array has another type, shape or order of its dimensions.
    """
    if not isinstance(images, np.ndarray):
        raise UserError(f"`{name}` is not an array; write it with numpy.savez.")
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
        span = ""
        if images.size and images.dtype.kind in "biuf":
            span = f", values {images.min()} to {images.max()}"
        raise UserError(
            f"`{name}` must be a uint8 array of shape [N, H, W] or [N, H, W, C] with values "
            f"0..255; got {images.dtype} of shape {list(images.shape)}{span}."
            + (_advice_on_values(images, name) or _advice_on_shape(images.shape, name))
        )
    if images.ndim == 3:
        return images[..., np.newaxis]
    if images.shape[3] not in CHANNELS:
        raise UserError(
            f"`{name}` has the shape {list(images.shape)}, which is {images.shape[3]} channels in "
            "the order [N, H, W, C]. Expected 1 channel (grey) or 3 channels (colour)."
            + _advice_on_order(images.shape, name)
        )
    return images


def _advice_on_values(images: np.ndarray, name: str) -> str:
    kind = images.dtype.kind
    if images.dtype == np.uint8 or not images.size or kind not in "biuf":
        return ""
    if kind == "b":
        return f' Type: {name}.astype("uint8") * 255.'
    if kind == "f" and not np.isfinite(images).all():
        return " Some values are NaN or infinite: remove these images."
    low, high = images.min(), images.max()
    if kind == "f" and -1 <= low < 0 and high <= 1:
        return f' Type: (({name} + 1) * 127.5).round().astype("uint8").'
    if kind == "f" and 0 <= low and high <= 1:
        return f' Type: ({name} * 255).round().astype("uint8").'
    if 0 <= low and high <= 255:
        return f' Type: {name}.round().astype("uint8").'
    if kind in "iu" and 0 <= low and high < 2**16:
        most = 2 ** max(int(high).bit_length(), 8) - 1
        return f' Type: ({name} * (255 / {most})).astype("uint8").'
    return " Scale the values to 0..255 first."


def _advice_on_shape(shape: tuple[int, ...], name: str) -> str:
    """Returns the conversion of flat rows, the usual form of images in tables."""
    if len(shape) != 2:
        return ""
    side = math.isqrt(shape[1])
    if side * side == shape[1]:
        return f" Type: {name}.reshape(-1, {side}, {side})."
    side = math.isqrt(shape[1] // 3)
    if 3 * side * side == shape[1]:
        return (
            f" Type: {name}.reshape(-1, 3, {side}, {side}).transpose(0, 2, 3, 1) if the channels "
            f"come first as in CIFAR's files, else {name}.reshape(-1, {side}, {side}, 3)."
        )
    return ""


def _advice_on_order(shape: tuple[int, ...], name: str) -> str:
    if shape[1] in CHANNELS:
        return f" The channels seem to come first, [N, C, H, W]: type {name}.transpose(0, 2, 3, 1)."
    if shape[2] in CHANNELS:
        return f" The images seem to come last, [H, W, C, N]: type numpy.moveaxis({name}, -1, 0)."
    return f" Choose the channels to use, e.g. {name}[..., :3]."


def check_labels(labels: np.ndarray, name: str, images_name: str, count: int) -> np.ndarray:
    """Returns labels as an `int64` array `[N]`.

    Args:
        labels: an array of integers from 0, `[N]` or `[N, 1]`.
        name: the name of the array, for messages.
        images_name: the name of the array of images, for messages.
        count: int, the number of images.

    Raises:
        UserError: if the array has another type or shape, or negative or huge values.
    """
    kind = labels.dtype.kind
    if kind not in "iu" or labels.shape not in ((count,), (count, 1)):
        raise UserError(
            f"`{name}` must be integers from 0, one for each of the {count} rows of "
            f"`{images_name}`; got {labels.dtype} of shape {list(labels.shape)}."
            + _advice_on_labels(labels, name, count)
        )
    if labels.size and labels.min() < 0:
        negative = int((labels < 0).sum())
        raise UserError(
            f"`{name}` must be integers from 0; {negative:,} of {count:,} are negative (from "
            f"{labels.min()}). If these images have no label, save them as `x_unlabelled` instead, "
            "and give --labels given."
        )
    if labels.size and labels.max() > np.iinfo(np.int64).max:
        raise UserError(f"`{name}` has the label {labels.max()}. {_renumber(name)}")
    return labels.reshape(count).astype(np.int64)


def _advice_on_labels(labels: np.ndarray, name: str, count: int) -> str:
    kind = labels.dtype.kind
    if labels.ndim == 2 and len(labels) == count and labels.shape[1] > 1 and kind in "biuf":
        if np.array_equal(np.sort(labels, axis=1)[:, -2:], np.tile([0, 1], (count, 1))):
            return f" These are one-hot rows: type {name}.argmax(axis=1)."
        return " An image has one class: several labels per image are not possible."
    if labels.shape not in ((count,), (count, 1)):
        return ""
    if kind == "b":
        return f' Type: {name}.astype("int64").'
    if kind in "US":
        return (
            f" Type: class_names, labels = numpy.unique({name}, return_inverse=True), and save "
            "`class_names` too."
        )
    if kind == "f":
        lost = int((~np.isfinite(labels)).sum())
        if lost:
            return f" {lost:,} of them are NaN or infinite: leave these images out."
        if np.array_equal(labels, labels.round()):
            return f' Type: {name}.astype("int64").'
        return " They are not whole numbers: an image has one class, not a quantity."
    return ""


def check_class_names(
    names: np.ndarray | None, labels: np.ndarray | None, labels_name: str
) -> tuple[str, ...]:
    """Returns the name of each class: the given ones, or the labels' own numbers.

    Args:
        names: strings `[K]`, or `None` if the file has none.
        labels: the training labels, from `check_labels`.
        labels_name: the name of the array of labels, for messages.

    Raises:
        UserError: if a number between 0 and the largest label does not occur, every image has a
            label of its own, or the names do not fit the labels.
    """
    if names is not None and (labels is None or names.ndim != 1 or names.dtype.kind != "U"):
        raise UserError(
            f"`class_names` must be strings of shape [K], one per class of `{labels_name}`; got "
            f"{names.dtype} of shape {list(names.shape)}"
            + (f", and no `{labels_name}`." if labels is None else ".")
        )
    if labels is None or not len(labels):
        return ()
    if names is not None:
        if labels.max() >= len(names) or len(set(names.tolist())) < len(names):
            raise UserError(
                f"`class_names` must have a different name for each label; it has {len(names)} "
                f"names, and the largest label of `{labels_name}` is {labels.max()}."
            )
        return tuple(names.tolist())
    present = np.unique(labels)
    if len(present) == len(labels) > 1:
        raise UserError(
            f"`{labels_name}` has a different number for each of the {len(labels):,} images. "
            "Labels are the classes of the images, not their numbers."
        )
    largest = int(present[-1])
    if len(present) == largest + 1:
        return tuple(map(str, range(len(present))))
    lacking = _first_lacking(present)
    span = f"The labels of `{labels_name}` go from {present[0]} to {largest}, and no image has "
    if lacking == ["0"] and len(present) == largest:
        raise UserError(f"{span}the label 0. Labels count from 0: type {labels_name} - 1.")
    raise UserError(
        f"{span}the label {listed(lacking)}{' ...' if len(lacking) == 3 else ''}. "
        f"{_renumber(labels_name)} If these classes are to exist without images, save "
        "`class_names`, one string per class."
    )


def _first_lacking(present: np.ndarray) -> list[str]:
    lacking: list[str] = []
    known = set(present.tolist())
    number = 0
    while len(lacking) < 3 and number < present[-1]:
        if number not in known:
            lacking.append(str(number))
        number += 1
    return lacking


def _renumber(name: str) -> str:
    return f"Labels count from 0 without gaps: type numpy.unique({name}, return_inverse=True)[1]."
