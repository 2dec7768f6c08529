"""Base classes of convolutional networks: upsampling generators and downsampling critics."""

import functools
from collections.abc import Sequence

import keras
from keras import layers, ops

from zoo.layers.normalization import apply_normalization
from zoo.networks.network import Critic, Generator, Inputs, Latent
from zoo.options import Count, NotNegativeCount, checked
from zoo.rematerialisation import segment


class UpsamplingGenerator(Generator):
    """Base class of generators with a dense layer and a stack of transposed convolutions.

    A subclass creates the layers `project`, `unflatten`, `norms` and `ups`.

    Args:
        image_shape: (size, size, channels); the subclass checks it.
        base_filters: int, at least 1, channels at the base resolution.
        normalization: str, the kind of the norms; see `Generator`.
        latent_dim, latent, num_classes, name, dtype: see `Generator`.
    """

    project: layers.Layer
    unflatten: layers.Layer
    norms: Sequence[layers.Layer]
    ups: Sequence[layers.Layer]

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        base_filters: Count,
        normalization: str,
        latent_dim: Count,
        latent: Latent,
        num_classes: NotNegativeCount,
        name: str | None,
        dtype: object,
    ):
        super().__init__(
            image_shape,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.base_filters = base_filters
        self.normalization = normalization

    def upsampled(self, inputs: Inputs, *, training: bool) -> keras.KerasTensor:
        """Computes the image before the last activation: `[B, size, size, channels]`."""
        x = self.unflatten(self.project(self.latent_and_label(inputs)))
        label = self.label_for_norms(inputs)
        return upsample(x, self.norms, self.ups, label=label, training=training)

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return ops.tanh(self.upsampled(inputs, training=training))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "base_filters": self.base_filters,
            "normalization": self.normalization,
        }


class DownsamplingCritic(Critic):
    """Base class of critics with a stack of convolutions and a dense layer.

    A subclass creates the layers `downs`, `norms`, `flatten` and `score`.

    Args:
        image_shape: (size, size, channels); the subclass checks it.
        filters: int, at least 1, channels of the first layer.
        normalization: str, the kind of the norms: `"batch"`, `"layer"` or `"none"`.
        name: str, the model's name.
        dtype: a dtype policy or its name; None for Keras' global policy.
    """

    downs: Sequence[layers.Layer]
    norms: Sequence[layers.Layer]
    flatten: layers.Layer

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count,
        normalization: str,
        name: str | None,
        dtype: object,
    ):
        super().__init__(image_shape, name=name, dtype=dtype)
        self.filters = filters
        self.normalization = normalization

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = ops.cast(images, self.compute_dtype)
        return self.flatten(downsample(x, self.downs, self.norms, training=training))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
        }


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
