"""Images at the border: uint8 of any size outside, float32 [-1, 1] of the network's size inside."""

import numpy as np
import tensorflow as tf

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601; sums to one, so that grey as colour stays the same.


def to_float(images: tf.Tensor) -> tf.Tensor:
    """Computes `v / 127.5 - 1`: values in [0, 255] to float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Computes `round((x + 1) * 127.5)` within [0, 255]: floats in [-1, 1] to uint8."""
    levels = tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5)
    return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)


def prepare(images: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Turns raw images into what a network takes.

    Colour becomes grey by luma, or grey colour by repetition, where the channels differ; images of
    another size are resized (bilinear, antialiased, aspect ratio not kept); values are scaled by
    `v / 127.5 - 1`.

    Args:
        images: uint8 tensor `[B, h, w, c]`; h and w may be unknown when traced, c may not.
        image_shape: (height, width, channels) of the network.

    Returns:
        float32 tensor `[B, height, width, channels]` in [-1, 1].

    Raises:
        ValueError: channels that cannot be converted.
    """
    height, width, channels = image_shape
    values = _convert_channels(tf.cast(images, tf.float32), channels)
    if images.shape[1:3] != (height, width):
        values = tf.image.resize(values, (height, width), antialias=True)
    return to_float(values)


def check_raw(images: np.ndarray, *, rank: int) -> None:
    """Refuses what is not raw images, and says what to do about it.

    Args:
        images: array, to be uint8.
        rank: 4 for a batch `[N, height, width, channels]`, 3 for one image of a list.

    Raises:
        ValueError: another dtype or rank.
    """
    if images.dtype != np.uint8:
        raise ValueError(
            f"Images must be raw uint8 values in [0, 255], received {images.dtype}. They are "
            "resized and scaled inside; undo your own scaling and use images.astype('uint8')."
        )
    if images.ndim == rank:
        return
    if rank == 4 and images.ndim == 3:
        raise ValueError(
            f"Received one image {images.shape}; add the batch axis: images[np.newaxis]."
        )
    expected = "[N, height, width, channels]" if rank == 4 else "[height, width, channels] each"
    raise ValueError(f"Images must be {expected}, received shape {images.shape}.")


def _convert_channels(values: tf.Tensor, channels: int) -> tf.Tensor:
    given = values.shape[-1]
    if given == channels:
        return values
    if (given, channels) == (3, 1):
        return tf.reduce_sum(values * tf.constant(_LUMA), axis=-1, keepdims=True)
    if (given, channels) == (1, 3):
        return tf.repeat(values, 3, axis=-1)
    raise ValueError(
        f"The network takes images of {channels} channels and received {given}. Only grey (1) and "
        "colour (3) are converted into each other; drop an alpha channel with images[..., :3]."
    )
