"""The two loops of convolutional networks: up to an image, and down from one."""

from collections.abc import Sequence

import keras
from keras import layers, ops

from zoo.layers.normalization import normalise


def upsample(
    x: keras.KerasTensor,
    norms: Sequence[layers.Layer],
    ups: Sequence[layers.Layer],
    *,
    label: keras.KerasTensor | None,
    training: bool,
) -> keras.KerasTensor:
    """Applies (norm, ReLU, up-convolution) one after the other; `label` is for conditional norms.

    The last up-convolution gives the image before its squashing.
    """
    for norm, up in zip(norms, ups, strict=True):
        x = up(ops.relu(normalise(norm, x, label, training=training)))
    return x


def downsample(
    x: keras.KerasTensor,
    downs: Sequence[layers.Layer],
    norms: Sequence[layers.Layer],
    *,
    training: bool,
) -> keras.KerasTensor:
    """Applies (convolution, norm, LeakyReLU(0.2)) one after the other."""
    for down, norm in zip(downs, norms, strict=True):
        x = ops.leaky_relu(norm(down(x), training=training), 0.2)
    return x
