"""Generator and critic of DCGAN, for images of 4 to 7 times a power of two pixels."""

from typing import Literal

import keras
from keras import layers

from zoo.layers.normalization import make_normalization
from zoo.networks.convolutions import DownsamplingCritic, UpsamplingGenerator
from zoo.networks.network import Latent, base_and_halvings, check_image_shape
from zoo.options import Count, NotNegativeCount, checked

Upsampling = Literal["transposed", "nearest", "bilinear"]
"""Ways to double the size: a transposed convolution, or interpolation and a convolution."""


def _normal_002() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


class InterpolatedConvolution(layers.Layer):
    """Doubles the size by interpolation, then applies a 3x3 convolution without bias.

    A 4x4 stride-2 transposed convolution gives neighbouring pixels other weights, which can show as
    a checkerboard. Here all pixels have the same weights.

    Args:
        filters: int, channels of the output.
        interpolation: `"nearest"` or `"bilinear"`.
        name: str, the layer's name.

    Source: Odena et al., Deconvolution and Checkerboard Artifacts (Distill, 2016).
    """

    def __init__(self, filters: int, *, interpolation: str, name: str):
        super().__init__(name=name)
        self.double = layers.UpSampling2D(2, interpolation=interpolation, name="double")
        self.convolution = layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=_normal_002(),
            name="convolution",
        )

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return self.convolution(self.double(x))


def _doubling(filters: int, upsampling: Upsampling, *, name: str) -> layers.Layer:
    """Returns a layer that doubles the size of its input."""
    if upsampling != "transposed":
        return InterpolatedConvolution(filters, interpolation=upsampling, name=name)
    return layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        use_bias=False,
        kernel_initializer=_normal_002(),
        name=name,
    )


@keras.saving.register_keras_serializable(package="zoo")
class DCGANGenerator(UpsamplingGenerator):
    """Generator with a dense layer and 4x4 stride-2 transposed convolutions, or interpolation.

    `z [, one-hot y] -> dense -> base_filters @ base -> ... -> channels @ size, tanh`, where the
    number of channels halves as the size doubles. Each hidden layer has normalisation and ReLU.
    There are no biases, and weights ~ N(0, 0.02).

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        latent_dim: int, d, the latent's dimension.
        base_filters: int, at least 1, channels at the base resolution (512 in the papers).
        normalization: `"batch"`, `"conditional_batch"`, `"layer"` or `"none"`; see `Generator`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.
        upsampling: `"transposed"`, the paper's transposed convolutions; or `"nearest"` or
            `"bilinear"` for interpolation followed by a 3x3 convolution.

    Output: `[B, size, size, channels]` in [-1, 1].

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Radford et al., arXiv 1511.06434; soumith/dcgan.torch. The version with labels follows
    clsgan.lua of guojunq/lsgan.

    Example:
    >>> generator = DCGANGenerator((32, 32, 3), latent_dim=100)
    >>> generator(keras.random.normal((2, 100))).shape
    TensorShape([2, 32, 32, 3])
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 100,
        base_filters: Count = 512,
        normalization: str = "batch",
        latent: Latent = "normal",
        num_classes: NotNegativeCount = 0,
        upsampling: Upsampling = "transposed",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base, steps = base_and_halvings(shape[0])
        super().__init__(
            shape,
            base_filters=base_filters,
            normalization=normalization,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.project = layers.Dense(
            base * base * base_filters,
            use_bias=False,
            kernel_initializer=_normal_002(),
            name="project",
        )
        self.unflatten = layers.Reshape((base, base, base_filters), name="unflatten")
        filters = [max(base_filters // 2**i, 1) for i in range(1, steps)] + [shape[2]]
        self.upsampling = upsampling
        self.ups = [_doubling(count, upsampling, name=f"up_{i}") for i, count in enumerate(filters)]
        self.norms = [
            make_normalization(normalization, name=f"norm_{i}", num_classes=num_classes)
            for i in range(steps)
        ]
        self.build_from_symbolic_inputs()

    def get_config(self) -> dict:
        return {**super().get_config(), "upsampling": self.upsampling}


@keras.saving.register_keras_serializable(package="zoo")
class DCGANCritic(DownsamplingCritic):
    """Critic with 4x4 stride-2 convolutions and a dense layer.

    `x -> filters @ size/2 -> ... -> base x base -> raw score`, where the number of channels doubles
    as the size halves. LeakyReLU(0.2) follows each convolution, and normalisation precedes it in
    all but the first. There are no biases, and weights ~ N(0, 0.02). The score is linear.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        filters: int, at least 1, channels of the first layer (64 in the papers).
        normalization: `"batch"`, `"layer"` or `"none"`.

    Output: float32 scores `[B]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Radford et al., arXiv 1511.06434; soumith/dcgan.torch, without its sigmoid.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 64,
        normalization: str = "batch",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        _, steps = base_and_halvings(shape[0])
        super().__init__(
            shape, filters=filters, normalization=normalization, name=name, dtype=dtype
        )
        self.downs = [
            layers.Conv2D(
                filters * 2**i,
                4,
                strides=2,
                padding="same",
                use_bias=False,
                kernel_initializer=_normal_002(),
                name=f"down_{i}",
            )
            for i in range(steps)
        ]
        kinds = ["none"] + [normalization] * (steps - 1)
        self.norms = [make_normalization(kind, name=f"norm_{i}") for i, kind in enumerate(kinds)]
        self.flatten = layers.Flatten(name="flatten")
        self.score = layers.Dense(
            1, use_bias=False, kernel_initializer=_normal_002(), dtype="float32", name="score"
        )
        self.build_from_symbolic_inputs()
