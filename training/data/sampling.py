"""Bilinear interpolation of images at places inside of them, in operations that XLA compiles."""

from typing import NamedTuple

import tensorflow as tf


class Neighbours(NamedTuple):
    """The four pixels around places of images, and the distances from the one above and left.

    Attributes:
        above_left: `float32 [n, P, C]`, and so are the other three pixels.
        above_right: see `above_left`.
        below_left: see `above_left`.
        below_right: see `above_left`.
        down: `float32 [n, P, 1]`, from 0 to 1.
        right: `float32 [n, P, 1]`, from 0 to 1.
    """

    above_left: tf.Tensor
    above_right: tf.Tensor
    below_left: tf.Tensor
    below_right: tf.Tensor
    down: tf.Tensor
    right: tf.Tensor


def neighbours(
    values: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, height: int, width: int
) -> Neighbours:
    """Gathers the pixels around places.

    Args:
        values: `float32` tensor `[n, height * width, C]`, the images.
        rows: `float32` tensor `[n, P]`, from 0 to `height - 1`.
        columns: `float32` tensor `[n, P]`, from 0 to `width - 1`.
        height: of the images.
        width: of the images.
    """
    top = tf.minimum(tf.floor(rows), max(height - 2, 0))
    left = tf.minimum(tf.floor(columns), max(width - 2, 0))
    down, right = (rows - top)[:, :, tf.newaxis], (columns - left)[:, :, tf.newaxis]
    # One gather without batch axes is the fastest on a CPU, so places count from the first image.
    first = tf.range(tf.shape(values)[0]) * (height * width)
    at = tf.cast(top * width + left, tf.int32) + first[:, tf.newaxis]
    below, beside = width * (height > 1), int(width > 1)
    flat = tf.reshape(values, [-1, values.shape[2]])
    above_left, above_right = tf.gather(flat, at), tf.gather(flat, at + beside)
    below_left, below_right = tf.gather(flat, at + below), tf.gather(flat, at + below + beside)
    return Neighbours(above_left, above_right, below_left, below_right, down, right)
