"""Random augmentation that depends on an image's index in the global batch, not on its replica."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from training.data.sampling import neighbours
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

    def draws(
        self,
        shape: tuple[int, ...],
        *,
        key: np.ndarray,
        step: tf.Tensor,
        index: tf.Tensor,
        batch_size: int,
        batches: int,
    ) -> dict[str, tf.Tensor]:
        """Draws the numbers that decide the view of one replica's images of a step, in graph code.

        Args:
            shape: shape of one image.
            key: four `int64` numbers, the stream's randomness.
            step: `int64` scalar.
            index: `int64` tensor `[b]`, the indices of these rows in their global batch.
            batch_size: number of rows in a global batch.
            batches: number of global batches of the step.

        Returns:
            `moves`, `float64 [batches * b, 3]` in [0, 1), of a shift or flip; `transforms`,
            `float32 [batches * b, 8]`, of a rotation or zoom.
        """

        def drawn(number: int, *, least: int, dtype: tf.DType) -> tf.Tensor:
            # Numbers are drawn for the whole global batch, so every replica has the same ones for
            # a row.
            seed = tf.stack([key[number], step])
            numbers = tf.random.stateless_uniform(
                [batches, batch_size, 3], seed, minval=least, maxval=1, dtype=dtype, alg="philox"
            )
            return tf.reshape(tf.gather(numbers, index, axis=1), [-1, 3])

        found = {}
        if self.shift or self.flip:
            found["moves"] = drawn(3, least=0, dtype=tf.float64)
        if self.rotate or self.zoom:
            numbers = drawn(2, least=-1, dtype=tf.float32)
            found["transforms"] = self._transforms(numbers, *shape[:2])
        return found

    def shown(
        self, images: tf.Tensor, draws: Mapping[str, tf.Tensor], *, on_device: bool = False
    ) -> tf.Tensor:
        """Returns the weak view of images, in graph code.

        Args:
            images: `uint8` tensor `[n, H, W, C]`.
            draws: from `draws`, for these images.
            on_device: whether all operations must have kernels for GPUs and under XLA.

        Returns:
            A tensor with the shape and dtype of `images`.
        """
        shape, dtype = images.shape, images.dtype
        if self == Augmentation():
            return images
        if on_device:
            # GatherV2 has no kernel for bytes on GPUs.
            images = tf.cast(images, tf.float32)
        if self.shift or self.flip:
            images = self._flip_and_shift(images, draws["moves"])
            images = tf.ensure_shape(images, shape)
        if self.rotate or self.zoom:
            transform = _transformed_in_parts if on_device else _transformed
            images = tf.round(transform(tf.cast(images, tf.float32), draws["transforms"]))
        return tf.ensure_shape(tf.cast(images, dtype), shape)

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

    def _transforms(self, draws: tf.Tensor, height: int, width: int) -> tf.Tensor:
        """Returns the transforms that rotate and scale images about their centre.

        Args:
            draws: `float32` tensor `[n, 3]` in [-1, 1).
            height: of the images.
            width: of the images.

        Returns:
            `float32` tensor `[n, 8]`: of the map from a pixel of the result to its source pixel.
        """
        angle, *scales = tf.unstack(draws, axis=1)
        angle *= self.rotate * math.pi / 180
        down, right = (1.0 + self.zoom * scale for scale in scales)
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        a, b = tf.cos(angle) * right, -tf.sin(angle) * down
        c, d = tf.sin(angle) * right, tf.cos(angle) * down
        offset_x = middle_x - a * middle_x - b * middle_y
        offset_y = middle_y - c * middle_x - d * middle_y
        zeros = tf.zeros_like(angle)
        return tf.stack([a, b, offset_x, c, d, offset_y, zeros, zeros], axis=1)


def _transformed(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Transforms images `float32 [n, H, W, C]`; pixels from outside repeat the edge."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=list(images.shape[1:3]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _transformed_in_parts(images: tf.Tensor, transforms: tf.Tensor) -> tf.Tensor:
    """Does the same in operations that XLA compiles, in the same order of sums."""
    height, width, channels = images.shape[1:]
    y = tf.repeat(tf.range(height, dtype=tf.float32), width)
    x = tf.tile(tf.range(width, dtype=tf.float32), [height])
    a, b, right, c, d, down = tf.split(transforms[:, :6], 6, axis=1)
    columns = tf.clip_by_value(a * x + b * y + right, 0.0, width - 1.0)
    rows = tf.clip_by_value(c * x + d * y + down, 0.0, height - 1.0)
    values = tf.reshape(images, [-1, height * width, channels])
    at = neighbours(values, rows, columns, height, width)
    above = (1.0 - at.right) * at.above_left + at.right * at.above_right
    below = (1.0 - at.right) * at.below_left + at.right * at.below_right
    return tf.reshape((1.0 - at.down) * above + at.down * below, tf.shape(images))
