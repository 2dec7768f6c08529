"""Differentiable augmentation of real and generated images, in front of the critic.

The functions compute with stateless noise of `zoo.randomness`, so an image gets the same change on
any replica, after a resume, and with or without XLA.
"""

from collections.abc import Callable

import tensorflow as tf

from zoo.names import unknown_name
from zoo.randomness import Noise

NONE = "none"
"""The policy that changes nothing."""


def flip(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Mirrors each image left to right with probability 1/2."""
    mirrored = _per_image(noise.child("mirror").uniform() < 0.5)
    return tf.where(mirrored, tf.reverse(images, axis=[2]), images)


def color(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Changes brightness by U(-0.5, 0.5), saturation by U(0, 2) and contrast by U(0.5, 1.5).

    The first is added. The others are factors of the difference from the mean over the channels of
    a pixel, and from the mean over the image.
    """
    images += _per_image(noise.child("brightness").uniform(low=-0.5, high=0.5))
    saturation = _per_image(noise.child("saturation").uniform(high=2.0))
    mean = tf.reduce_mean(images, axis=3, keepdims=True)
    images = mean + saturation * (images - mean)
    contrast = _per_image(noise.child("contrast").uniform(low=0.5, high=1.5))
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean + contrast * (images - mean)


def translation(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Moves each image along both axes by up to 1/8 of its side; the rest becomes 0 (grey)."""
    for axis, name in ((1, "vertical"), (2, "horizontal")):
        side = images.shape[axis]
        most = side // 8
        shift = _integers(noise.child(name), 2 * most + 1) - most
        source = tf.range(side)[None] + shift[:, None]
        inside = (source >= 0) & (source < side)
        source = tf.clip_by_value(source, 0, side - 1)
        if axis == 1:
            images = tf.gather(images, source, axis=1, batch_dims=1)
        else:
            rows = tf.transpose(images, [0, 2, 1, 3])
            images = tf.transpose(tf.gather(rows, source, axis=1, batch_dims=1), [0, 2, 1, 3])
        images = tf.where(_along(inside, axis), images, 0.0)
    return images


def cutout(images: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Replaces a rectangle of half the sides by 0 (grey); it may lie partly outside the image."""
    hidden = tf.constant(True)
    for axis, name in ((1, "vertical"), (2, "horizontal")):
        side = images.shape[axis]
        half = side // 2
        first = _integers(noise.child(name), side + 1 - half % 2) - half // 2
        place = tf.range(side)[None]
        covered = (place >= first[:, None]) & (place < first[:, None] + half)
        hidden &= _along(covered, axis)
    return tf.where(hidden, 0.0, images)


Change = Callable[[tf.Tensor, Noise], tf.Tensor]

CHANGES: dict[str, Change] = {
    "color": color,
    "translation": translation,
    "cutout": cutout,
    "flip": flip,
}
"""Changes by name: functions of images `[b, H, W, C]` in [-1, 1] and noise of the b rows."""


def changes_of(policy: str) -> tuple[str, ...]:
    """Returns the names of the changes of a policy, in order.

    Args:
        policy: names separated by commas, such as `"color,translation,cutout"`; or `"none"`.

    Raises:
        ValueError: an unknown name, or a name that occurs twice.
    """
    if policy == NONE:
        return ()
    names = tuple(name.strip() for name in policy.split(","))
    for name in names:
        if name not in CHANGES:
            raise ValueError(
                f"{unknown_name('change of images', name, [NONE, *CHANGES])} Separate several by "
                "commas, such as color,translation,cutout."
            )
    if len(set(names)) < len(names):
        raise ValueError(f"Each change of images may occur once, received {policy!r}.")
    return names


def augment(images: tf.Tensor, policy: str, noise: Noise) -> tf.Tensor:
    """Applies the changes of a policy, each with independent noise for each image.

    Args:
        images: float32 `[b, H, W, C]` in [-1, 1]. Gradients flow through all changes.
        policy: names separated by commas, which are applied in this order; or `"none"`.
        noise: noise of the b rows.

    Returns:
        A tensor of the same shape. Values may leave [-1, 1], as in the paper.

    Source: Zhao et al., arXiv 2006.10738; DiffAugment_tf.py of mit-han-lab/data-efficient-gans,
    whose policies have color, translation and cutout. `flip` is for consistency regularisation
    (Zhang et al., arXiv 1910.12027).

    Example:
    >>> noise = Noise(seed=0, step=7, index=tf.range(4, dtype="int64"))
    >>> augment(tf.zeros((4, 8, 8, 3)), "translation,cutout", noise).shape
    TensorShape([4, 8, 8, 3])
    """
    for name in changes_of(policy):
        images = CHANGES[name](images, noise.child(name))
    return images


def _integers(noise: Noise, count: int) -> tf.Tensor:
    """Draws int32 `[b]`, uniform over 0..count-1."""
    return tf.cast(noise.classes(count), tf.int32)


def _per_image(values: tf.Tensor) -> tf.Tensor:
    """Reshapes `[b]` to `[b, 1, 1, 1]`."""
    return tf.reshape(values, [-1, 1, 1, 1])


def _along(values: tf.Tensor, axis: int) -> tf.Tensor:
    """Reshapes `[b, n]` so that n is the given axis of images."""
    return values[:, :, None, None] if axis == 1 else values[:, None, :, None]
