"""Residual generator and critic of the LGAN paper, for images of 4 to 7 times a power of two."""

import functools
from typing import Literal

import keras
from keras import layers, ops

from zoo.layers.normalization import apply_normalization, make_normalization
from zoo.networks.network import (
    Critic,
    Generator,
    Inputs,
    Latent,
    base_and_halvings,
    check_image_shape,
)
from zoo.options import Count, NotNegativeCount, checked
from zoo.rematerialisation import segment

Resampling = Literal["up", "down", "none"]
_PLAIN_BLOCKS = 2


def _convolution(filters: int, kernel: int, *, he: bool = True, name: str) -> layers.Conv2D:
    initializer = "he_uniform" if he else "glorot_uniform"
    return layers.Conv2D(filters, kernel, padding="same", kernel_initializer=initializer, name=name)


def _norm(kind: str, *, name: str, num_classes: int = 0) -> layers.Layer:
    # These are the defaults of tf.layers.batch_normalization, which the LGAN code calls.
    return make_normalization(
        kind,
        name=name,
        momentum=0.99,
        epsilon=1e-3,
        scale_deviation=0.0,
        num_classes=num_classes,
    )


@keras.saving.register_keras_serializable(package="zoo")
class ResidualBlock(layers.Layer):
    """A residual block: `x + conv(relu(norm(conv(relu(norm(x))))))` with 3x3 convolutions.

    `resample="up"` doubles the size (nearest neighbour) before the first convolution.
    `resample="down"` halves it (mean of 2x2 pixels) after the second. In both cases the shortcut
    has a 1x1 convolution. The 3x3 weights are He-uniform, those of the shortcut Xavier-uniform.

    Args:
        filters: int, channels of input and output.
        resample: `"up"`, `"down"` or `"none"`.
        normalization: `"batch"`, `"conditional_batch"`, `"layer"` or `"none"`.
        num_classes: int, K, for conditional norms; a call then also takes labels, int `[B]`.

    Inputs: `[B, h, w, c]`. Output: `[B, h', w', filters]`, with h' = 2h, h/2 or h.
    """

    @checked
    def __init__(
        self,
        filters: Count,
        *,
        resample: Resampling,
        normalization: str,
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.filters = filters
        self.resample = resample
        self.normalization = normalization
        self.num_classes = num_classes
        self.norm_1 = _norm(normalization, name="norm_1", num_classes=num_classes)
        self.norm_2 = _norm(normalization, name="norm_2", num_classes=num_classes)
        self.convolution_1 = _convolution(filters, 3, name="convolution_1")
        self.convolution_2 = _convolution(filters, 3, name="convolution_2")
        if resample != "none":
            self.shortcut = _convolution(filters, 1, he=False, name="shortcut")
        self.up = layers.UpSampling2D(2, name="up")
        self.down = layers.AveragePooling2D(2, name="down")

    def build(self, input_shape: tuple) -> None:
        batch, height, width, channels = input_shape
        factor = 2 if self.resample == "up" else 1
        inner = (batch, factor * height, factor * width, self.filters)
        self.norm_1.build(input_shape)
        self.convolution_1.build((batch, *inner[1:3], channels))
        self.norm_2.build(inner)
        self.convolution_2.build(inner)
        if self.resample != "none":
            self.shortcut.build(input_shape)
        self.built = True

    def call(
        self,
        x: keras.KerasTensor,
        label: keras.KerasTensor | None = None,
        training: bool = False,
    ) -> keras.KerasTensor:
        residual = ops.relu(apply_normalization(self.norm_1, x, label, training=training))
        if self.resample == "up":
            residual = self.up(residual)
        residual = self.convolution_1(residual)
        residual = ops.relu(apply_normalization(self.norm_2, residual, label, training=training))
        residual = self.convolution_2(residual)
        # A 1x1 convolution commutes with both kinds of resampling, and is cheaper on fewer pixels.
        if self.resample == "up":
            return self.up(self.shortcut(x)) + residual
        if self.resample == "down":
            return self.shortcut(self.down(x)) + self.down(residual)
        return x + residual

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, _ = input_shape
        factor = {"up": 2.0, "down": 0.5, "none": 1.0}[self.resample]
        return batch, int(height * factor), int(width * factor), self.filters

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "resample": self.resample,
            "normalization": self.normalization,
            "num_classes": self.num_classes,
        }


@keras.saving.register_keras_serializable(package="zoo")
class ResNetGenerator(Generator):
    """Generator with a dense layer and one residual block per doubling of the size.

    `z [, one-hot y] -> dense -> filters @ base -> blocks -> filters @ size -> norm, ReLU, conv,
    tanh -> channels @ size`. At 32 x 32 and 128 filters this is the LGAN paper's generator. The
    blocks' 3x3 weights are He-uniform; the dense layer, the shortcuts and the last convolution are
    Xavier-uniform.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        latent_dim: int, d, the latent's dimension.
        filters: int, at least 1, channels of all hidden layers (128 in the paper's code).
        normalization: `"batch"` (momentum 0.99, epsilon 1e-3), `"conditional_batch"`, `"layer"` or
            `"none"`; see `Generator`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.

    Output: `[B, size, size, channels]` in [-1, 1].

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: sobolev_cifar10.py of ZhimingZhou/LGANs-for-reproduce (arXiv 1902.05687).
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 128,
        filters: Count = 128,
        normalization: str = "batch",
        latent: Latent = "normal",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base, steps = base_and_halvings(shape[0])
        super().__init__(
            shape,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.filters = filters
        self.normalization = normalization
        self.project = layers.Dense(base * base * filters, name="project")
        self.unflatten = layers.Reshape((base, base, filters), name="unflatten")
        self.blocks = [
            ResidualBlock(
                filters,
                resample="up",
                normalization=normalization,
                num_classes=num_classes,
                name=f"block_{i}",
            )
            for i in range(steps)
        ]
        self.norm = _norm(normalization, name="norm", num_classes=num_classes)
        self.output_layer = _convolution(shape[2], 3, he=False, name="output")
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        x = self.unflatten(self.project(self.latent_and_label(inputs)))
        label = self.label_for_norms(inputs)
        for block in self.blocks:
            call = functools.partial(block.__call__, label=label, training=training)
            x = segment(call, x, statistics=block.non_trainable_variables)
        x = ops.relu(apply_normalization(self.norm, x, label, training=training))
        return ops.tanh(self.output_layer(x))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="zoo")
class ResNetCritic(Critic):
    """Critic with residual blocks: downsampling ones, then two plain ones; no normalisation.

    ReLU, a mean over positions and a dense layer follow the blocks. The first block has no ReLU
    before its first convolution: `conv, relu, conv, mean pool` plus the shortcut `mean pool, 1x1
    conv`. At 32 x 32 and 128 filters this is the LGAN paper's discriminator (32 -> 16 -> 8, then
    plain). Other sizes are halved to between 8 and 14 pixels; sizes up to 14 are halved once.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        filters: int, at least 1, channels of all hidden layers (128 in the paper's code).

    Output: float32 scores `[B]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: sobolev_cifar10.py of ZhimingZhou/LGANs-for-reproduce (arXiv 1902.05687).
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 128,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        _, steps = base_and_halvings(shape[0])
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        self.first_1 = _convolution(filters, 3, name="first_1")
        self.first_2 = _convolution(filters, 3, name="first_2")
        self.first_shortcut = _convolution(filters, 1, he=False, name="first_shortcut")
        self.down = layers.AveragePooling2D(2, name="down")
        resamples: list[Resampling] = ["down"] * (max(steps - 1, 1) - 1)
        resamples += ["none"] * _PLAIN_BLOCKS
        self.blocks = [
            ResidualBlock(filters, resample=kind, normalization="none", name=f"block_{i}")
            for i, kind in enumerate(resamples)
        ]
        self.pool = layers.GlobalAveragePooling2D(name="pool")
        self.score = layers.Dense(1, dtype="float32", name="score")
        self.build_from_symbolic_inputs()

    def first_block(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Computes the first block, which halves the size: `[B, s, s, c] -> [B, s/2, s/2, F]`."""
        x = self.down(self.first_2(ops.relu(self.first_1(images))))
        return x + self.first_shortcut(self.down(images))

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        images = ops.cast(images, self.compute_dtype)
        x = segment(self.first_block, images)
        for block in self.blocks:
            x = segment(functools.partial(block.__call__, training=training), x)
        return self.pool(ops.relu(x))

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}
