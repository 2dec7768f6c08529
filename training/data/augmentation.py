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
        """Augments one replica's images of a step, in graph code.

        Args:
            images: `uint8` tensor `[k * b, H, W, C]`: this replica's rows of `k` global batches,
                concatenated.
            key: four `int64` numbers, the stream's randomness.
            step: `int64` scalar.
            index: `int64` tensor `[b]`, the indices of these rows in their global batch.
            batch_size: number of rows in a global batch.

        Returns:
            A tensor with the shape and dtype of `images`.
        """

        def draws(number: int, *, least: int, dtype: tf.DType) -> tf.Tensor:
            # Numbers are drawn for the whole global batch, so every replica has the same ones for
            # a row.
            parts = tf.shape(images)[0] // tf.shape(index)[0]
            seed = tf.stack([key[number], step])
            drawn = tf.random.stateless_uniform(
                [parts, batch_size, 3], seed, minval=least, maxval=1, dtype=dtype, alg="philox"
            )
            return tf.reshape(tf.gather(drawn, index, axis=1), [-1, 3])

        shape = images.shape
        if self.shift or self.flip:
            images = self._flip_and_shift(images, draws(3, least=0, dtype=tf.float64))
            images = tf.ensure_shape(images, shape)
        if self.rotate or self.zoom:
            images = self._rotate_and_zoom(images, draws(2, least=-1, dtype=tf.float32))
        return tf.ensure_shape(images, shape)

    def _flip_and_shift(self, images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Mirrors and shifts images by draws `[n, 3]` in [0, 1)."""
        shift = self.shift
        moves = tf.cast(tf.floor(draws[:, :2] * (2 * shift + 1)), tf.int32) - shift
        height, width = images.shape[1:3]
        rows = tf.clip_by_value(tf.range(height) - moves[:, :1], 0, height - 1)
        columns = tf.clip_by_value(tf.range(width) - moves[:, 1:], 0, width - 1)
        if self.flip:
            columns = tf.where(draws[:, 2:] < 0.5, width - 1 - columns, columns)
        if shift:
            images = tf.gather(images, rows, axis=1, batch_dims=1)
        return tf.gather(images, columns, axis=2, batch_dims=1)

    def _rotate_and_zoom(self, images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Rotates and scales images about their centre by draws `[n, 3]` in [-1, 1)."""
        angle, *scales = tf.unstack(draws, axis=1)
        angle *= self.rotate * math.pi / 180
        down, right = (1.0 + self.zoom * scale for scale in scales)
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
        return tf.cast(tf.round(moved), tf.uint8)
