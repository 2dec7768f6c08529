"""Residual generator and critic of R3GAN, for images of 4 to 7 times a power of two."""

import math

import keras
from keras import initializers, layers, ops

from zoo.layers.global_basis import GlobalBasis
from zoo.layers.grouped_convolution import GroupedConvolution
from zoo.layers.resampling import double, halve
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

_BLOCKS_PER_STAGE = 2
_EXPANSION = 2
_CHANNELS_PER_GROUP = 16
_WIDE_STAGES = 4
_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))
"""Keeps the variance of a signal through LeakyReLU and the next layer."""


def _normal(gain: float = 1.0) -> initializers.Initializer:
    """Returns N(0, gain² / fan-in)."""
    if not gain:
        return initializers.Zeros()
    return initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")


def _pointwise(filters: int, *, name: str, gain: float = 1.0, bias: bool = False) -> layers.Layer:
    return layers.Conv2D(filters, 1, use_bias=bias, kernel_initializer=_normal(gain), name=name)


def stage_widths(filters: int, stages: int) -> list[int]:
    """Returns the channels of each stage, from the smallest maps to the image.

    Four stages have all channels, and each further one has half of those of the stage before it.

    Args:
        filters: int, channels of the first four stages.
        stages: int, number of stages.
    """
    return [max(1, filters >> max(0, i + 1 - _WIDE_STAGES)) for i in range(stages)]


@keras.saving.register_keras_serializable(package="zoo")
class InvertedBottleneck(layers.Layer):
    """A residual block without normalisation: `x + conv1(act(conv3(act(conv1(x)))))`.

    The first 1x1 convolution doubles the channels, the 3x3 convolution has groups of 16 channels,
    and the last 1x1 convolution, which starts at zero, halves the channels. `act` adds a bias and
    applies LeakyReLU(0.2). The other kernels start at N(0, g²/fan-in) with
    `g = sqrt(2 / 1.04) * blocks^(-1/4)`, the rule of Fixup for three layers.

    Args:
        filters: int, channels of input and output.
        blocks: int, number of blocks in the whole network.

    Inputs and output: `[B, h, w, filters]`.

    Source: Huang et al., arXiv 2501.05441; Networks.py of brownvc/R3GAN.
    """

    @checked
    def __init__(
        self, filters: Count, *, blocks: Count, name: str | None = None, dtype: object = None
    ):
        super().__init__(name=name, dtype=dtype)
        self.filters = filters
        self.blocks = blocks
        inner, gain = _EXPANSION * filters, _GAIN * blocks**-0.25
        self.expand = _pointwise(inner, gain=gain, bias=True, name="expand")
        self.convolution = GroupedConvolution(
            inner,
            3,
            padding="same",
            groups=inner // math.gcd(inner, _CHANNELS_PER_GROUP),
            kernel_initializer=_normal(gain),
            name="convolution",
        )
        self.reduce = _pointwise(filters, gain=0.0, name="reduce")

    def build(self, input_shape: tuple) -> None:
        inner = (*input_shape[:3], _EXPANSION * self.filters)
        self.expand.build(input_shape)
        self.convolution.build(inner)
        self.reduce.build(inner)
        self.built = True

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        y = ops.leaky_relu(self.expand(x), _SLOPE)
        y = ops.leaky_relu(self.convolution(y), _SLOPE)
        return x + self.reduce(y)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters, "blocks": self.blocks}


def _make_blocks(widths: list[int]) -> list[InvertedBottleneck]:
    """Returns the blocks of all stages in one list; Keras does not save nested lists of layers."""
    count = _BLOCKS_PER_STAGE * len(widths)
    return [
        InvertedBottleneck(width, blocks=count, name=f"stage_{i}_block_{k}")
        for i, width in enumerate(widths)
        for k in range(_BLOCKS_PER_STAGE)
    ]


@keras.saving.register_keras_serializable(package="zoo")
class R3GANGenerator(Generator):
    """Generator without normalisation: a learned map, then stages of two residual blocks.

    `z [, one-hot y] -> dense -> learned map @ base -> blocks -> [1x1, bilinear x2, blocks] ... ->
    1x1 -> channels @ size`. A stage has a 1x1 convolution only if the number of channels changes.
    The output has no activation. In training it is not bounded; otherwise it is clipped to [-1, 1].

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        latent_dim: int, d, the latent's dimension (64 in the paper's code).
        filters: int, at least 1, channels of the first four stages; further ones have half of the
            channels of the stage before (768 in the paper's code for CIFAR-10).
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.

    Output: `[B, size, size, channels]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Huang et al., arXiv 2501.05441; Networks.py of brownvc/R3GAN. The appended label is this
    project's; the code appends a linear map of it.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 64,
        filters: Count = 768,
        latent: Latent = "normal",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base, doublings = base_and_halvings(shape[0])
        super().__init__(
            shape,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.filters = filters
        widths = stage_widths(filters, doublings + 1)
        self.project = layers.Dense(
            filters, use_bias=False, kernel_initializer=_normal(), name="project"
        )
        self.start = GlobalBasis(base, filters, sums=False, name="start")
        self.blocks = _make_blocks(widths)
        self.changes = [
            layers.Identity() if width == before else _pointwise(width, name=f"change_{i}")
            for i, (before, width) in enumerate(zip(widths, widths[1:], strict=False))
        ]
        self.output_layer = _pointwise(shape[2], name="output")
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        x = self.start(self.project(self.latent_and_label(inputs)))
        for i, block in enumerate(self.blocks):
            stage, place = divmod(i, _BLOCKS_PER_STAGE)
            if stage and not place:
                x = double(self.changes[stage - 1](x))
            x = segment(block.__call__, x)
        images = self.output_layer(x)
        return images if training else ops.clip(images, -1.0, 1.0)

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}


@keras.saving.register_keras_serializable(package="zoo")
class R3GANCritic(Critic):
    """Critic without normalisation, the mirror of `R3GANGenerator`.

    `images -> 1x1 -> [blocks, bilinear /2, 1x1] ... -> blocks -> sum over positions with a learned
    map -> dense`. A stage has a 1x1 convolution only if the number of channels changes.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        filters: int, at least 1, channels of the last four stages; earlier ones have half of the
            channels of the stage after (768 in the paper's code for CIFAR-10).

    Output: float32 scores `[B]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Huang et al., arXiv 2501.05441; Networks.py of brownvc/R3GAN.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 768,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base, halvings = base_and_halvings(shape[0])
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        widths = stage_widths(filters, halvings + 1)[::-1]
        self.extract = _pointwise(widths[0], name="extract")
        self.blocks = _make_blocks(widths)
        self.changes = [
            layers.Identity() if width == before else _pointwise(width, name=f"change_{i}")
            for i, (before, width) in enumerate(zip(widths, widths[1:], strict=False))
        ]
        self.basis = GlobalBasis(base, filters, sums=True, name="basis")
        self.score = layers.Dense(
            1, use_bias=False, kernel_initializer=_normal(), dtype="float32", name="score"
        )
        self.build_from_symbolic_inputs()

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = self.extract(ops.cast(images, self.compute_dtype))
        for i, block in enumerate(self.blocks):
            stage, place = divmod(i, _BLOCKS_PER_STAGE)
            if stage and not place:
                x = self.changes[stage - 1](halve(x))
            x = segment(block.__call__, x)
        return self.basis(x)

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters}
