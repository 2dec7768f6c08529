"""Weak and strong random views of images, drawn on the device from seed, step and position."""

import math

import tensorflow as tf

from training.data.augmentation import Augmentation

SHIFT = 4
ANGLE, SHEAR, MOVE, ZOOM = math.pi / 6, 0.3, 5.0, 0.25
BRIGHTNESS, CONTRAST, SATURATION, TINT = 0.6, 0.6, 0.9, 0.2
CUTOUT = 16


def weak(images: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
    """Mirrors and shifts images; returns float32 in [-1, 1].

    Args:
        images: uint8 tensor `[b, H, W, C]`.
        seed: int64 tensor `[2]`.
    """
    count = images.shape[0]
    index = tf.range(count, dtype=tf.int64)
    moved = Augmentation(shift=SHIFT, flip=True).apply(
        images, key=tf.pad(seed[:1], [[3, 0]]), step=seed[1], index=index, batch_size=count
    )
    return tf.cast(moved, tf.float32) / 127.5 - 1.0


def strong(images: tf.Tensor, *, seed: tf.Tensor) -> tf.Tensor:
    """Warps, recolours and cuts images, each change with probability one half, after `weak`."""
    seeds = [seed + tf.constant([number + 1, 0], tf.int64) for number in range(3)]
    warped = _warp(weak(images, seed=seed), seeds[0])
    return _cut(_recolour(warped, seeds[1]), seeds[2])


def _draw(count: int, seed: tf.Tensor, number: int) -> list[tf.Tensor]:
    """Draws `number` values per image from U(-1, 1), of which half are replaced by zero."""
    values = tf.random.stateless_uniform([count, 2 * number], seed, -1.0, 1.0)
    on = tf.cast(values[:, number:] > 0.0, tf.float32)
    return tf.unstack(values[:, :number] * on, axis=1)


def _warp(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Rotates, shears, scales and moves about the centre, bilinearly, edges repeating."""
    count, height, width = images.shape[:3]
    angle, shear, down, right, zoom = _draw(count, seed, 5)
    angle, shear, scale = angle * ANGLE, shear * SHEAR, 1.0 + zoom * ZOOM
    middle = (height - 1) / 2
    places = tf.range(height, dtype=tf.float32) - middle
    y, x = tf.meshgrid(places, places, indexing="ij")
    y, x = (tf.reshape(v, [1, -1]) for v in (y, x))
    cos, sin = (v[:, None] * scale[:, None] for v in (tf.cos(angle), tf.sin(angle)))
    rows = cos * y + sin * x + middle + MOVE * down[:, None]
    columns = -sin * y + (cos + shear[:, None]) * x + middle + MOVE * right[:, None]
    flat = tf.reshape(images, [count, height * width, images.shape[3]])
    rows, columns = (tf.clip_by_value(v, 0.0, height - 1.0) for v in (rows, columns))
    top, left = tf.floor(rows), tf.floor(columns)
    result = tf.zeros_like(flat)
    for lower in (0.0, 1.0):
        for further in (0.0, 1.0):
            weight = (1.0 - tf.abs(rows - top - lower)) * (1.0 - tf.abs(columns - left - further))
            at_row = tf.minimum(top + lower, height - 1.0)
            at_column = tf.minimum(left + further, width - 1.0)
            at = tf.cast(at_row * width + at_column, tf.int32)
            result += weight[:, :, None] * tf.gather(flat, at, axis=1, batch_dims=1)
    return tf.reshape(result, images.shape)


def _recolour(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes brightness, contrast, saturation and tint."""
    count = images.shape[0]
    brightness, contrast, saturation, *tint = (
        v[:, None, None, None] for v in _draw(count, seed, 6)
    )
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (1.0 + CONTRAST * contrast) * (images - mean)
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = grey + (1.0 + SATURATION * saturation) * (images - grey)
    images += BRIGHTNESS * brightness + TINT * tf.concat(tint, axis=3)
    return tf.clip_by_value(images, -1.0, 1.0)


def _cut(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Replaces a square of side `CUTOUT` by grey; it may lie partly outside."""
    count, height, width = images.shape[:3]
    centres = tf.random.stateless_uniform([count, 2], seed, 0.0, float(height))
    near = [
        tf.abs(tf.range(size, dtype=tf.float32) + 0.5 - centres[:, axis, None]) < CUTOUT / 2
        for axis, size in ((0, height), (1, width))
    ]
    cut = near[0][:, :, None] & near[1][:, None, :]
    return tf.where(cut[..., None], 0.0, images)
