"""The residual pair of the LGAN paper (the network of SNGAN with other details), at any size."""

import functools

import keras
from keras import layers, ops

from zoo.layers.normalization import normalise
from zoo.layers.normalization import normalization as make_normalization
from zoo.networks.network import (
    Critic,
    Generator,
    Inputs,
    check_image_shape,
    check_positive,
    halvings,
)
from zoo.rematerialisation import part

_PLAIN_BLOCKS = 2


def _convolution(filters: int, kernel: int, *, he: bool = True, name: str) -> layers.Conv2D:
    initializer = "he_uniform" if he else "glorot_uniform"
    return layers.Conv2D(filters, kernel, padding="same", kernel_initializer=initializer, name=name)


def _norm(kind: str, *, name: str, num_classes: int = 0) -> layers.Layer:
    # What tf.layers.batch_normalization, which the LGAN code calls, has by default.
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
    """`x + conv(relu(norm(conv(relu(norm(x))))))` of 3x3 convolutions, keeping the channels.

    With `resample="up"` the image is doubled (nearest) before the first convolution, with
    `"down"` halved (mean of 2x2) after the second; the shortcut then has a 1x1 convolution.
    The 3x3 weights are He-uniform, the shortcut's Xavier-uniform.

    Args:
        filters: int, channels of input and output.
        resample: `"up"`, `"down"` or `"none"`.
        normalization: `"batch"`, `"conditional_batch"`, `"layer"` or `"none"`.
        num_classes: int, K, for conditional norms; a call then takes the labels `[B]` too.
    """

    def __init__(
        self,
        filters: int,
        *,
        resample: str,
        normalization: str,
        num_classes: int = 0,
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
        residual = ops.relu(normalise(self.norm_1, x, label, training=training))
        if self.resample == "up":
            residual = self.up(residual)
        residual = self.convolution_1(residual)
        residual = ops.relu(normalise(self.norm_2, residual, label, training=training))
        residual = self.convolution_2(residual)
        if self.resample == "up":  # A 1x1 convolution commutes with doubling and with the mean.
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
    """Generator: dense to base x base, a residual block a doubling, then norm, ReLU, conv, tanh.

    `z [, one-hot y] -> dense -> filters @ base -> blocks -> filters @ size -> channels @ size`.
    At 32 x 32 and 128 filters this is the LGAN paper's generator; other sizes have as many blocks
    as doublings. Main weights He-uniform; dense, shortcuts and last convolution Xavier-uniform.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two.
        latent_dim: int, d, the latent's dimension.
        filters: int, channels everywhere (128 in the paper's code).
        normalization: `"batch"` (momentum 0.99, epsilon 1e-3), `"conditional_batch"` (the label
            goes to the norms, not to the latent), `"layer"` or `"none"`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior it is trained with.
        num_classes: int, 0 for an unconditional generator; otherwise it takes
            `{"latent": [B, d], "label": [B]}` and joins the one-hot label to the latent.

    Returns of a call: `[B, size, size, channels]` in [-1, 1].

    Source: sobolev_cifar10.py of ZhimingZhou/LGANs-for-reproduce (arXiv 1902.05687).
    """

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: int = 128,
        filters: int = 128,
        normalization: str = "batch",
        latent: str = "normal",
        num_classes: int = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base, steps = halvings(shape[0])
        check_positive(filters=filters)
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
        x = self.unflatten(self.project(self.join(inputs)))
        label = self.label_for_norms(inputs)
        for block in self.blocks:
            call = functools.partial(block.__call__, label=label, training=training)
            x = part(call, x, statistics=block.non_trainable_variables)
        x = ops.relu(normalise(self.norm, x, label, training=training))
        return ops.tanh(self.output_layer(x))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="zoo")
class ResNetCritic(Critic):
    """Critic: residual halvings, two plain blocks, ReLU, mean over positions, dense; no norm.

    The first block halves without a ReLU before it: `conv, relu, conv, mean pool` beside
    `mean pool, 1x1 conv`. At 32 x 32 and 128 filters this is the LGAN paper's discriminator
    (32 -> 16 -> 8, then plain); other sizes halve down to 8 to 14 pixels (8 and smaller: once).

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two.
        filters: int, channels everywhere (128 in the paper's code).

    Returns of a call: float32 scores `[B]`.

    Source: sobolev_cifar10.py of ZhimingZhou/LGANs-for-reproduce (arXiv 1902.05687).
    """

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: int = 128,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        _, steps = halvings(shape[0])
        check_positive(filters=filters)
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        self.first_1 = _convolution(filters, 3, name="first_1")
        self.first_2 = _convolution(filters, 3, name="first_2")
        self.first_shortcut = _convolution(filters, 1, he=False, name="first_shortcut")
        self.down = layers.AveragePooling2D(2, name="down")
        resamples = ["down"] * (max(steps - 1, 1) - 1) + ["none"] * _PLAIN_BLOCKS
        self.blocks = [
            ResidualBlock(filters, resample=kind, normalization="none", name=f"block_{i}")
            for i, kind in enumerate(resamples)
        ]
        self.pool = layers.GlobalAveragePooling2D(name="pool")
        self.score = layers.Dense(1, dtype="float32", name="score")
        self.build_from_symbolic_inputs()

    def first_block(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Computes the first halving."""
        x = self.down(self.first_2(ops.relu(self.first_1(images))))
        return x + self.first_shortcut(self.down(images))

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        images = ops.cast(images, self.compute_dtype)
        x = part(self.first_block, images)
        for block in self.blocks:
            x = part(functools.partial(block.__call__, training=training), x)
        return self.pool(ops.relu(x))

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}
