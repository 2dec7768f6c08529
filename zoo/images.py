"""Conversion between raw uint8 images of any size and float32 images in [-1, 1] for networks."""

import numpy as np
import tensorflow as tf

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601. The sum is one, so grey pixels keep their value.


def to_float(images: tf.Tensor) -> tf.Tensor:
    """Computes `v / 127.5 - 1`, from values in [0, 255] to float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Computes `round((x + 1) * 127.5)`, clipped to [0, 255], from floats in [-1, 1] to uint8."""
    levels = tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5)
    return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)


def prepare(images: tf.Tensor, image_shape: tuple[int, int, int]) -> tf.Tensor:
    """Converts raw images to a network's input: channels, then size, then range.

    If the channels differ, colour is converted to grey by luma, and grey to colour by repetition.
    Images of another size are resized (bilinear, antialiased, without preserving the aspect ratio).
    Values are scaled by `v / 127.5 - 1`.

    Args:
        images: uint8 tensor `[B, h, w, c]`. In a graph h and w may be unknown, but not c.
        image_shape: (height, width, channels) of the network.

    Returns:
        float32 tensor `[B, height, width, channels]` in [-1, 1].

    Raises:
        ValueError: the channels cannot be converted.
    """
    height, width, channels = image_shape
    values = _convert_channels(tf.cast(images, tf.float32), channels)
    if images.shape[1:3] != (height, width):
        values = tf.image.resize(values, (height, width), antialias=True)
    return to_float(values)


def check_raw(images: np.ndarray, *, rank: int) -> None:
    """Checks that an array contains raw images.

    Args:
        images: the array.
        rank: 4 for a batch `[N, height, width, channels]`, 3 for one image of a list.

    Raises:
        ValueError: the dtype is not uint8, or the rank differs; the message states the remedy.
    """
    if images.dtype != np.uint8:
        raise ValueError(
            f"Images must be raw uint8 values in [0, 255], received {images.dtype}. The zoo scales "
            "and resizes them; undo your own scaling and use images.astype('uint8')."
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
        "colour (3) can be converted to each other; drop an alpha channel with images[..., :3]."
    )
