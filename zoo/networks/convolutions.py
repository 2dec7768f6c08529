"""The two loops of convolutional networks: up to an image, and down from one."""

import functools
from collections.abc import Sequence

import keras
from keras import layers, ops

from zoo.layers.normalization import normalise
from zoo.rematerialisation import part


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

    def step(norm: layers.Layer, up: layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return up(ops.relu(normalise(norm, x, label, training=training)))

    for norm, up in zip(norms, ups, strict=True):
        x = part(functools.partial(step, norm, up), x, statistics=norm.non_trainable_variables)
    return x


def downsample(
    x: keras.KerasTensor,
    downs: Sequence[layers.Layer],
    norms: Sequence[layers.Layer],
    *,
    training: bool,
) -> keras.KerasTensor:
    """Applies (convolution, norm, LeakyReLU(0.2)) one after the other."""

    def step(down: layers.Layer, norm: layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.leaky_relu(norm(down(x), training=training), 0.2)

    for down, norm in zip(downs, norms, strict=True):
        x = part(functools.partial(step, down, norm), x, statistics=norm.non_trainable_variables)
    return x
