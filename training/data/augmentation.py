"""Random augmentation that depends on an image's index in the global batch, not on its replica."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from zoo.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Settings of the random augmentation.

    Args:
        shift: maximal shift along each axis in whole pixels; edge pixels repeat.
        flip: mirror images left to right with probability 1/2.
        rotate: maximal angle in degrees.
        zoom: maximal relative change of each axis.
    """

    shift: int = 0
    flip: bool = False
    rotate: float = 0.0
    zoom: float = 0.0

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises `UserError` if images `[N, H, W, C]` or points `[N, D]` cannot be augmented."""
        if len(shape) == 2:
            if self != Augmentation():
                raise UserError(
                    "--shift, --flip, --rotate and --zoom are for images; these are points. "
                    "Leave these options out."
                )
            return
        side = min(shape[1:3])
        if not 0 <= self.shift < side:
            raise UserError(
                f"--shift must be from 0 to less than the image's side of {side} pixels; "
                f"got {self.shift}."
            )

    def apply(
        self,
        images: tf.Tensor,
        *,
        key: np.ndarray,
        step: tf.Tensor,
        index: tf.Tensor,
        batch_size: int,
    ) -> tf.Tensor:
        """Augments one replica's images of a step.

        Args:
            images: `uint8` tensor `[k * b, H, W, C]`.
            key: four `int64` numbers, the stream's randomness.
            step: `int64` scalar.
            index: `int64` tensor `[b]`, as for `flip_and_shift`.
            batch_size: number of rows in a global batch.
        """
        if self.shift or self.flip:
            images = flip_and_shift(
                images,
                seed=tf.stack([key[3], step]),
                index=index,
                batch_size=batch_size,
                shift=self.shift,
                flip=self.flip,
            )
        if self.rotate or self.zoom:
            images = rotate_and_zoom(
                images,
                seed=tf.stack([key[2], step]),
                index=index,
                batch_size=batch_size,
                rotate=self.rotate,
                zoom=self.zoom,
            )
        return images


def flip_and_shift(
    images: tf.Tensor,
    *,
    seed: tf.Tensor,
    index: tf.Tensor,
    batch_size: int,
    shift: int,
    flip: bool,
) -> tf.Tensor:
    """Randomly mirrors and shifts images in graph code.

    Args:
        images: `uint8` tensor `[k * b, H, W, C]`: this replica's rows of `k` global batches,
            concatenated.
        seed: `int64` tensor `[2]`.
        index: `int64` tensor `[b]`, the indices of these rows in their global batch.
        batch_size: number of rows in a global batch.
        shift: maximal shift along each axis in pixels, in both directions. Edge pixels repeat.
        flip: mirror each image left to right with probability 1/2.

    Returns:
        A tensor with the shape and dtype of `images`.
    """
    parts = tf.shape(images)[0] // tf.shape(index)[0]
    # Numbers are drawn for the whole global batch, so every replica has the same ones for a row.
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
    """Randomly rotates and scales images about their centre, with bilinear interpolation.

    Edge pixels repeat.

    Args:
        images: `uint8` tensor `[k * b, H, W, C]`: this replica's rows of `k` global batches,
            concatenated.
        seed: `int64` tensor `[2]`.
        index: `int64` tensor `[b]`, the indices of these rows in their global batch.
        batch_size: number of rows in a global batch.
        rotate: maximal angle in degrees, in both directions.
        zoom: maximal relative change of each axis: 0.1 scales each axis by 0.9 to 1.1.

    Returns:
        A tensor with the shape and dtype of `images`.
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
    # Rows of the matrix that maps a pixel of the result to its source pixel.
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
