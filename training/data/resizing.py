"""Image resizing, shared by all loaders.

An image that is not square is cropped to its centre square. The side of the square is the
shorter side of the image; an odd pixel is cut at the bottom or right. The square is resized
bilinearly with antialiasing and rounded to `uint8`. An image that has the requested size already
is not changed.
"""

import numpy as np
import tensorflow as tf

from zoo.errors import UserError

_CHUNK = 256


def resize_image(image: tf.Tensor, size: int) -> tf.Tensor:
    """Crops images to their centre square and resizes them, eagerly or in a graph.

    Args:
        image: `uint8` tensor of shape `[H, W, C]` or `[B, H, W, C]`; `H` and `W` may be unknown.
        size: side of the result in pixels, at least 1.

    Returns:
        A `uint8` tensor of shape `[size, size, C]` or `[B, size, size, C]`.
    """
    if image.shape[-3:-1] == [size, size]:
        return image
    height, width = tf.unstack(tf.shape(image)[-3:-1])
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[..., top : top + side, left : left + side, :]
    resized = tf.image.resize(square, [size, size], antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def resize_array(images: np.ndarray, size: int) -> np.ndarray:
    """Applies `resize_image` to a `uint8` array `[N, H, W, C]` in chunks."""
    if images.shape[1:3] == (size, size):
        return images
    try:
        result = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    except (ValueError, MemoryError):
        raise UserError(
            f"{len(images):,} images of {size} x {size} pixels do not fit into memory: give a "
            "smaller --image-size."
        ) from None
    for start in range(0, len(images), _CHUNK):
        chunk = tf.convert_to_tensor(images[start : start + _CHUNK])
        result[start : start + _CHUNK] = resize_image(chunk, size).numpy()
    return result
