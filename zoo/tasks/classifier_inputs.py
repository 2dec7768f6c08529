"""Images that a classifier's `predict`, `fit` and `evaluate` take, and their checks."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.images import check_raw, prepare
from zoo.tasks.class_names import numbers_in_graph

_PREPARED = "prepared"
"""Key of the floats in [-1, 1] that `as_input` returns; they never come from the user."""

_STREAMS = (
    tf.data.Dataset,
    tf.distribute.DistributedDataset,
    keras.utils.PyDataset,
    Iterator,
)
Images = Any
"""An array, a list of arrays, or one of `_STREAMS`."""


def is_array(images: Images) -> bool:
    """Returns whether images are arrays, and not a stream of batches."""
    return not isinstance(images, _STREAMS)


def as_input(
    images: np.ndarray | Sequence[np.ndarray] | tf.Tensor,
    image_shape: tuple[int, int, int],
    batch_size: int,
) -> np.ndarray | dict[str, tf.Tensor]:
    """Checks raw images, and prepares those of another size than the network's.

    This happens outside of the compiled step, because XLA cannot resize.

    Args:
        images: uint8 `[N, h, w, c]`, or a list of uint8 `[h, w, c]`.
        image_shape: (height, width, channels) of the network.
        batch_size: int, number of images that are prepared together.

    Raises:
        ValueError: no images, or images that are not raw.
    """
    if len(images) == 0:
        raise ValueError("`images` is empty; give at least one image.")
    if isinstance(images, list | tuple):
        pieces = [np.asarray(image) for image in images]
        for image in pieces:
            check_raw(image, rank=3)
        batches = [image[np.newaxis] for image in pieces]
    else:
        array = np.asarray(images)
        check_raw(array, rank=4)
        if array.shape[1:] == image_shape:
            return array
        batches = [array[i : i + batch_size] for i in range(0, len(array), batch_size)]
    prepared = [prepare(tf.constant(batch), image_shape) for batch in batches]
    return {_PREPARED: tf.concat(prepared, axis=0)}


def to_predict(data: Any) -> tf.Tensor:
    """Returns the images of a batch of `predict`, raw or prepared by `as_input`."""
    images = keras.utils.unpack_x_y_sample_weight(data)[0]
    if isinstance(images, dict) and _PREPARED in images:
        return images[_PREPARED]
    _check_raw_batch(images)
    return images


def checked_batch(data: Any, class_names: Sequence[str]) -> tuple:
    """Returns images, class numbers and sample weights of a batch of `fit` or `evaluate`.

    Raises:
        ValueError: images that are not raw.
    """
    images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
    _check_raw_batch(images)
    return images, numbers_in_graph(labels, class_names), weights


def _check_raw_batch(images: Any) -> None:
    """Raises ValueError unless a batch in a graph is uint8 `[B, height, width, channels]`."""
    if isinstance(images, dict | list | tuple):
        keys = f" with the keys {', '.join(map(repr, images))}" if isinstance(images, dict) else ""
        raise ValueError(
            f"A batch must be one tensor of images, received a {type(images).__name__}{keys}. "
            "Choose the images with map() of the tf.data.Dataset."
        )
    if images.dtype != tf.uint8:
        raise ValueError(
            f"The classifier takes raw uint8 images, received {images.dtype}. It scales them "
            "itself; after augmentation use tf.cast(tf.round(images), tf.uint8)."
        )
    if images.shape.rank != 4:
        raise ValueError(
            f"A batch of images must be [B, height, width, channels], received {images.shape}. "
            "Call batch() on a tf.data.Dataset of single images."
        )
