"""The strong view of images: a random warp, new colours and a hidden square.

The numbers that decide the view of a row are drawn beforehand (see `pipeline`), one row of draws
for each image. All sums whose order could depend on the number of rows are exact, so a row gets
the same view in any batch. Everything compiles under XLA.
"""

import dataclasses
import math

import tensorflow as tf

from training.data.sampling import neighbours
from zoo.errors import UserError

DRAWS = 14
"""Draws for each row: eleven changes, the centre of the hidden square, and the choice of view."""

GREY = 127.0
_ANGLE, _SHEAR, _MOVE, _ZOOM = math.pi / 6, 0.3, 0.16, 0.25
# Images are in 0..255, so brightness and tint are shares of half of that range.
_BRIGHTNESS, _CONTRAST, _SATURATION, _TINT = 0.6 * 127.5, 0.6, 0.9, 0.2 * 127.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrongView:
    """Settings of the strong view, which is applied after the weak one (`Augmentation`).

    Each change has probability 1/2 and a size that is uniform between both signs of its limit. At
    strength 1 the limits are: rotation 30 degrees, shear 0.3, a move by 16 % of the side, zoom
    25 %, contrast 0.6, and brightness 0.6 of half the range of values. Images of three channels
    also change in saturation (0.9) and in each channel (0.2 of half the range). Last, a grey square
    hides a part of the image; it may lie partly outside.

    Args:
        strength: factor of all limits, from 0 (no change) to 1.
        cutout: side of the hidden square, as a share of the image's height.
    """

    strength: float = 0.0
    cutout: float = 0.0

    @property
    def changes_images(self) -> bool:
        """Whether the strong view differs from the weak one."""
        return self != StrongView()

    def check(self, shape: tuple[int, ...]) -> None:
        """Raises `UserError` for a setting out of range, or if `shape` is that of points."""
        if len(shape) == 2 and self.changes_images:
            raise UserError(
                "--strong and --cutout are for images; these are points. Leave these options out."
            )
        if not 0.0 <= self.strength <= 1.0:
            raise UserError(f"--strong must be from 0 to 1; got {self.strength}.")
        if not 0.0 <= self.cutout < 1.0:
            raise UserError(f"--cutout must be at least 0 and below 1; got {self.cutout}.")

    def apply(self, images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """Returns the strong view of images, in graph code.

        Args:
            images: `uint8` tensor `[n, H, W, C]`.
            draws: `float32` tensor `[n, DRAWS]`, uniform in [0, 1).

        Returns:
            A tensor with the shape and dtype of `images`.
        """
        height, width, channels = images.shape[1:]
        pixels = tf.reshape(images, [-1, height * width, channels])
        values = tf.cast(pixels, tf.float32)
        if self.strength:
            changes = self.strength * _half_of(draws[:, :11])
            rows, columns = _source(changes[:, :5], height, width)
            values = _sampled(values, rows, columns, height, width)
            values = _recoloured(values, changes[:, 5:], _mean(pixels))
        if self.cutout:
            shown = _shown(draws[:, 11:13], self.cutout * height, height, width)
            values = (values - GREY) * shown + GREY
        # All values are at least 0, and the conversion rounds towards 0.
        return tf.ensure_shape(
            tf.reshape(tf.cast(values + 0.5, tf.uint8), tf.shape(images)), images.shape
        )


ONLY_WEAK = StrongView()
"""The setting without a strong view."""


def views(images: tf.Tensor, draws: tf.Tensor, *, strong: StrongView, share: float) -> tf.Tensor:
    """Shows a share of the images in the strong view.

    Args:
        images: `uint8` tensor `[n, H, W, C]` in the weak view.
        draws: `float32` tensor `[n, DRAWS]`; the last one of a row chooses its view.
        strong: settings of the strong view.
        share: probability of the strong view, from 0 to 1.
    """
    seen = strong.apply(images, draws)
    if share == 1.0:
        return seen
    return tf.where(draws[:, -1, tf.newaxis, tf.newaxis, tf.newaxis] < share, seen, images)


def _half_of(draws: tf.Tensor) -> tf.Tensor:
    """Maps draws from [0, 1) to [-1, 1], half of them to 0."""
    both = 2.0 * draws - 1.0
    return tf.sign(both) * tf.nn.relu(2.0 * tf.abs(both) - 1.0)


def _source(changes: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the source of every pixel: rows and columns, `float32 [n, H * W]`, inside the image.

    Args:
        changes: `float32` tensor `[n, 5]` in [-1, 1]: angle, shear, zoom, and both moves.
        height: of the images.
        width: of the images.
    """
    angle, shear, zoom, down, right = tf.split(changes, 5, axis=1)
    # In float64, because the last bit of a float32 cosine depends on the number of rows.
    angle = tf.cast(angle, tf.float64) * _ANGLE
    cos, sin = (tf.cast(part, tf.float32) for part in (tf.cos(angle), tf.sin(angle)))
    scale = 1.0 + _ZOOM * zoom
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y = tf.repeat(tf.range(height, dtype=tf.float32) - middle_y, width)
    x = tf.tile(tf.range(width, dtype=tf.float32) - middle_x, [height])
    rows = scale * cos * y + scale * sin * x + (middle_y + _MOVE * height * down)
    columns = (scale * cos + _SHEAR * shear) * x - scale * sin * y
    columns += middle_x + _MOVE * width * right
    return tf.clip_by_value(rows, 0.0, height - 1.0), tf.clip_by_value(columns, 0.0, width - 1.0)


def _sampled(
    values: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, height: int, width: int
) -> tf.Tensor:
    """Interpolates images `[n, H * W, C]` bilinearly at places inside of them."""
    at = neighbours(values, rows, columns, height, width)
    above = at.above_left + at.right * (at.above_right - at.above_left)
    below = at.below_left + at.right * (at.below_right - at.below_left)
    return above + at.down * (below - above)


def _mean(pixels: tf.Tensor) -> tf.Tensor:
    """Returns the mean of each image, `float32 [n, 1, 1]`, of an exact sum."""
    total = tf.reduce_sum(tf.cast(pixels, tf.int32), axis=[1, 2])
    count = pixels.shape[1] * pixels.shape[2]
    return tf.cast(total, tf.float32)[:, tf.newaxis, tf.newaxis] / count


def _recoloured(values: tf.Tensor, changes: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Changes the colours of images `[n, H * W, C]` and clips them to 0..255.

    Args:
        values: `float32` tensor `[n, H * W, C]`.
        changes: `float32` tensor `[n, 6]` in [-1, 1]: brightness, contrast, saturation, and the
            tint of three channels.
        mean: `float32` tensor `[n, 1, 1]`, from which the contrast is measured.
    """
    parts = changes[:, tf.newaxis]
    contrast = 1.0 + _CONTRAST * parts[..., 1:2]
    offset = (1.0 - contrast) * mean + _BRIGHTNESS * parts[..., 0:1]
    if values.shape[2] != 3:
        return tf.clip_by_value(contrast * values + offset, 0.0, 255.0)
    saturation = 1.0 + _SATURATION * parts[..., 2:3]
    grey = (values[..., 0:1] + values[..., 1:2] + values[..., 2:3]) / 3.0
    values = contrast * saturation * values + contrast * (1.0 - saturation) * grey
    return tf.clip_by_value(values + (offset + _TINT * parts[..., 3:6]), 0.0, 255.0)


def _shown(draws: tf.Tensor, side: float, height: int, width: int) -> tf.Tensor:
    """Returns `float32 [n, H * W, 1]`: 0 inside of a square with a random centre, 1 elsewhere."""
    inside = [
        tf.abs(tf.range(size, dtype=tf.float32) + 0.5 - size * draws[:, axis, tf.newaxis])
        < side / 2
        for axis, size in ((0, height), (1, width))
    ]
    hidden = inside[0][:, :, tf.newaxis] & inside[1][:, tf.newaxis]
    return 1.0 - tf.reshape(tf.cast(hidden, tf.float32), [-1, height * width, 1])
