"""Stacks of convolutional layers: upsampling to an image, and downsampling from one."""

import functools
from collections.abc import Sequence

import keras
from keras import layers, ops

from zoo.layers.normalization import apply_normalization
from zoo.rematerialisation import segment


def upsample(
    x: keras.KerasTensor,
    norms: Sequence[layers.Layer],
    ups: Sequence[layers.Layer],
    *,
    label: keras.KerasTensor | None,
    training: bool,
) -> keras.KerasTensor:
    """Applies a stack of (norm, ReLU, transposed convolution) blocks.

    Args:
        x: float `[B, h, w, c]`.
        norms: one normalisation layer per block.
        ups: one transposed convolution per block; the last one returns the image before tanh.
        label: int `[B]`, for conditional norms; None for other norms.
        training: bool, whether batch norms use the batch's statistics.
    """

    def step(norm: layers.Layer, up: layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return up(ops.relu(apply_normalization(norm, x, label, training=training)))

    for norm, up in zip(norms, ups, strict=True):
        x = segment(functools.partial(step, norm, up), x, statistics=norm.non_trainable_variables)
    return x


def downsample(
    x: keras.KerasTensor,
    downs: Sequence[layers.Layer],
    norms: Sequence[layers.Layer],
    *,
    training: bool,
) -> keras.KerasTensor:
    """Applies a stack of (convolution, norm, LeakyReLU(0.2)) blocks.

    Args:
        x: float `[B, h, w, c]`.
        downs: one convolution per block.
        norms: one normalisation layer per block.
        training: bool, whether batch norms use the batch's statistics.
    """

    def step(down: layers.Layer, norm: layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.leaky_relu(norm(down(x), training=training), 0.2)

    for down, norm in zip(downs, norms, strict=True):
        x = segment(functools.partial(step, down, norm), x, statistics=norm.non_trainable_variables)
    return x
