"""Arguments of image generation: their checks, and their division into batches."""

import operator
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from zoo.tasks.class_names import class_numbers

Labels = int | str | Sequence[int] | Sequence[str] | np.ndarray

_BATCH = 64


def check_count(value: object, *, name: str, least: int) -> int:
    """Returns a number of images as a Python integer.

    Args:
        value: the number, an integer of any type.
        name: name of the argument, for the message.
        least: the smallest number that is allowed.

    Raises:
        ValueError: a smaller number, or a value that is not an integer.
    """
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        count = least - 1
    if isinstance(value, bool | np.bool_) or count < least:
        raise ValueError(
            f"`{name}` must be an integer and at least {least}, received {name}={value!r}."
        )
    return count


def check_labels(n: int, labels: Labels | None, *, class_names: Sequence[str]) -> np.ndarray | None:
    """Checks the labels of n images.

    Args:
        n: int, number of images.
        labels: one class or n classes, by number or by name; None for class `i % K` of image i.
        class_names: names of the K classes; empty for an unconditional generator.

    Returns:
        int64 array `[n]`, or None for an unconditional generator.

    Raises:
        ValueError: labels of a wrong type, number or range, or for an unconditional generator.
    """
    num_classes = len(class_names)
    if not num_classes:
        if labels is not None:
            raise ValueError("This generator is unconditional and takes no `labels`.")
        return None
    if labels is None:
        return np.arange(n, dtype="int64") % num_classes
    classes = np.asarray(class_numbers(labels, class_names))
    if classes.dtype.kind not in "iu" or classes.shape not in ((), (n,)):
        raise ValueError(
            f"`labels` must be one integer or {n} of them, or class names, received dtype "
            f"{classes.dtype} and shape {classes.shape}."
        )
    if classes.min() < 0 or classes.max() >= num_classes:
        raise ValueError(
            f"`labels` must be in 0..{num_classes - 1}, received {classes.min()}..{classes.max()}."
        )
    return np.broadcast_to(classes, (n,)).astype("int64")


def check_truncation(truncation: float | None) -> None:
    """Raises ValueError unless the truncation is None or in (0, 1]."""
    if truncation is not None and not 0.0 < truncation <= 1.0:
        raise ValueError(f"`truncation` must be in (0, 1], received {truncation}.")


def batches(
    rows: tf.Tensor, classes: np.ndarray | None
) -> Iterator[tuple[tf.Tensor, tf.Tensor | None]]:
    """Yields (rows, classes) in batches; the classes are None for an unconditional generator."""
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        yield rows[part], None if classes is None else tf.constant(classes[part])
