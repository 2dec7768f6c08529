"""Random changes of images that depend on their place in the global batch, not on a replica."""

import math

import tensorflow as tf


def flip_and_shift(
    images: tf.Tensor,
    *,
    seed: tf.Tensor,
    index: tf.Tensor,
    batch_size: int,
    shift: int,
    flip: bool,
) -> tf.Tensor:
    """Mirrors and moves images at random, in graph code.

    Args:
        images: `uint8` tensor `[k * b, H, W, C]`: `k` parts of global batches, one after another.
        seed: `int64` tensor `[2]`.
        index: `int64` tensor `[b]`, the numbers of the rows of each part in their global batch.
        batch_size: rows in a global batch.
        shift: most pixels to move along each axis, either way; edge pixels are repeated.
        flip: whether to mirror left to right, half of the images.

    Returns:
        A tensor like `images`.
    """
    parts = tf.shape(images)[0] // tf.shape(index)[0]
    # Drawn for the whole global batch, so that a row's numbers are the same on every replica.
    draws = tf.random.stateless_uniform(
        [parts, batch_size, 3], seed, minval=0, maxval=1, dtype=tf.float64, alg="philox"
    )
    draws = tf.reshape(tf.gather(draws, index, axis=1), [-1, 3])
    moves = tf.cast(tf.floor(draws[:, :2] * (2 * shift + 1)), tf.int32) - shift
    height, width = images.shape[1:3]
    rows = tf.clip_by_value(tf.range(height) - moves[:, :1], 0, height - 1)
    columns = tf.clip_by_value(tf.range(width) - moves[:, 1:], 0, width - 1)
    if flip:
        columns = tf.where(draws[:, 2:] < 0.5, width - 1 - columns, columns)
    moved = images
    if shift:
        moved = tf.gather(moved, rows, axis=1, batch_dims=1)
    moved = tf.gather(moved, columns, axis=2, batch_dims=1)
    return tf.ensure_shape(moved, images.shape)


def rotate_and_zoom(
    images: tf.Tensor,
    *,
    seed: tf.Tensor,
    index: tf.Tensor,
    batch_size: int,
    rotate: float,
    zoom: float,
) -> tf.Tensor:
    """Turns and scales images about their centre at random, bilinearly, edges repeating.

    Args:
        images: `uint8` tensor `[k * b, H, W, C]`: `k` parts of global batches, one after another.
        seed: `int64` tensor `[2]`.
        index: `int64` tensor `[b]`, the numbers of the rows of each part in their global batch.
        batch_size: rows in a global batch.
        rotate: greatest angle either way, in degrees.
        zoom: greatest change of size, as a share: 0.1 scales each axis by 0.9 to 1.1.

    Returns:
        A tensor like `images`.
    """
    parts = tf.shape(images)[0] // tf.shape(index)[0]
    draws = tf.random.stateless_uniform(
        [parts, batch_size, 3], seed, minval=-1, maxval=1, dtype=tf.float32, alg="philox"
    )
    angle, *scales = tf.unstack(tf.reshape(tf.gather(draws, index, axis=1), [-1, 3]), axis=1)
    angle *= rotate * math.pi / 180
    down, right = (1.0 + zoom * scale for scale in scales)
    height, width = images.shape[1:3]
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    # Rows of the map from a place in the result to the place in the image that it shows.
    a, b = tf.cos(angle) * right, -tf.sin(angle) * down
    c, d = tf.sin(angle) * right, tf.cos(angle) * down
    offset_x = middle_x - a * middle_x - b * middle_y
    offset_y = middle_y - c * middle_x - d * middle_y
    zeros = tf.zeros_like(angle)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack([a, b, offset_x, c, d, offset_y, zeros, zeros], axis=1),
        output_shape=[height, width],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    return tf.ensure_shape(tf.cast(tf.round(moved), tf.uint8), images.shape)
