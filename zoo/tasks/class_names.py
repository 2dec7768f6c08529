"""Names of classes: their check, and their numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def check_class_names(names: Sequence[str] | None, num_classes: int) -> tuple[str, ...]:
    """Checks class names.

    Args:
        names: the names; None for `"0"` to `"K-1"`.
        num_classes: int, K.

    Returns:
        K names.

    Raises:
        ValueError: another number of names, or a name that occurs twice.
    """
    checked = tuple(names) if names is not None else tuple(str(i) for i in range(num_classes))
    if len(checked) != num_classes or len(set(checked)) != num_classes:
        raise ValueError(
            f"`class_names` must be {num_classes} distinct names, received {len(checked)}: "
            f"{checked}."
        )
    return checked


def class_numbers(labels: Any, class_names: Sequence[str]) -> Any:
    """Returns labels with the numbers of classes instead of their names.

    Args:
        labels: numbers or names of classes, one or an array of any shape.
        class_names: names of all classes.

    Returns:
        int64 array of the labels' shape if they are names, else the labels unchanged.

    Raises:
        ValueError: a name that is not a class, or numbers that count from 1.
    """
    if not isinstance(labels, str | bytes | list | tuple | np.ndarray):
        return labels
    given = np.asarray(labels)
    names = [label.decode() if isinstance(label, bytes) else label for label in given.flat]
    if not names or not all(isinstance(name, str) for name in names):
        _check_numbers(given, len(class_names))
        return labels
    if unknown := sorted(set(names) - set(class_names)):
        known = ", ".join(map(repr, class_names))
        raise ValueError(f"{str(unknown[0])!r} is not a class. The classes are {known}.")
    numbers = [class_names.index(name) for name in names]
    return np.array(numbers, dtype="int64").reshape(given.shape)


def _check_numbers(labels: np.ndarray, num_classes: int) -> None:
    """Refuses numbers that count from 1. Others may be meant, e.g. the `ignore_class` of a loss."""
    if labels.dtype.kind in "iu" and labels.size and labels.max() == num_classes:
        raise ValueError(
            f"`labels` must be in 0..{num_classes - 1}, received {labels.min()}..{num_classes}. "
            "Classes count from 0."
        )


def numbers_in_graph(labels: tf.Tensor | None, class_names: Sequence[str]) -> tf.Tensor | None:
    """Returns labels of a batch, with the numbers of classes instead of their names.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, for a name that is not a class.
    """
    if not isinstance(labels, tf.Tensor) or labels.dtype != tf.string:
        return labels
    found = labels[..., tf.newaxis] == tf.constant(class_names)
    message = f"The labels must be class names: {', '.join(class_names)}. Received"
    check = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(found, -1)), [message, labels])
    with tf.control_dependencies([check]):
        return tf.argmax(found, axis=-1)
