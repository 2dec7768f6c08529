"""The auto-encoder of BEGAN as a critic, and its decoder as a generator."""

import functools
from typing import Literal

import keras
from keras import layers, ops

from zoo.layers.normalization import apply_normalization, make_normalization
from zoo.networks.network import (
    Generator,
    ImageNetwork,
    Inputs,
    Latent,
    base_and_halvings,
    check_image_shape,
)
from zoo.options import Count, NotNegativeCount, checked
from zoo.rematerialisation import segment

Reconstruction = Literal["l1", "l2"]


class ConvolutionBlock(layers.Layer):
    """A 3x3 convolution, a norm, and ELU.

    Args:
        filters: int, channels of the output.
        strides: int, 1, or 2 to halve the size.
        normalization: str, the kind of the norm; see `zoo.layers.normalization`.
        num_classes: int, number of classes of a conditional norm.
        name: str, the layer's name.
    """

    def __init__(
        self,
        filters: int,
        *,
        strides: int = 1,
        normalization: str = "none",
        num_classes: int = 0,
        name: str,
    ):
        super().__init__(name=name)
        self.convolution = layers.Conv2D(
            filters, 3, strides=strides, padding="same", name="convolution"
        )
        self.norm = make_normalization(normalization, name="norm", num_classes=num_classes)

    def call(
        self, x: keras.KerasTensor, label: keras.KerasTensor | None = None, training: bool = False
    ) -> keras.KerasTensor:
        x = self.convolution(x)
        return ops.elu(apply_normalization(self.norm, x, label, training=training))


class Decoder(layers.Layer):
    """From codes `[B, d]` to images: a dense layer, then two blocks per resolution.

    Nearest neighbours double the size between resolutions. The last convolution is linear.

    Args:
        image_shape: (size, size, channels), checked.
        filters: int, channels of all hidden layers.
        normalization: str, the kind of the norms.
        num_classes: int, number of classes of conditional norms.
        output_dtype: dtype of the last convolution; None for Keras' global policy.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        filters: int,
        normalization: str,
        num_classes: int = 0,
        output_dtype: object = None,
    ):
        super().__init__(name="decoder")
        base, self.steps = base_and_halvings(image_shape[0])
        self.project = layers.Dense(base * base * filters, name="project")
        self.unflatten = layers.Reshape((base, base, filters), name="unflatten")
        self.blocks = [
            ConvolutionBlock(
                filters, normalization=normalization, num_classes=num_classes, name=f"block_{i}"
            )
            for i in range(2 * (self.steps + 1))
        ]
        self.double = layers.UpSampling2D(2, interpolation="nearest", name="double")
        self.image = layers.Conv2D(
            image_shape[2], 3, padding="same", name="image", dtype=output_dtype
        )

    def call(
        self,
        codes: keras.KerasTensor,
        label: keras.KerasTensor | None = None,
        training: bool = False,
    ) -> keras.KerasTensor:
        x = self.unflatten(self.project(codes))
        for i, block in enumerate(self.blocks):
            if i and i % 2 == 0:
                x = self.double(x)
            x = _segment(block, x, label, training=training)
        return self.image(x)


def _segment(
    block: layers.Layer,
    x: keras.KerasTensor,
    label: keras.KerasTensor | None,
    *,
    training: bool,
) -> keras.KerasTensor:
    run = functools.partial(block, label=label, training=training)
    return segment(run, x, statistics=block.non_trainable_variables)


@keras.saving.register_keras_serializable(package="zoo")
class AutoEncoderGenerator(Generator):
    """Generator with the layers of the decoder of `AutoEncoderCritic`, and tanh.

    `z [, one-hot y] -> dense -> filters @ base -> ... -> channels @ size, tanh`, with two 3x3
    convolutions with ELU per resolution, and nearest neighbours between resolutions.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        latent_dim: int, d, the latent's dimension.
        filters: int, at least 1, channels of all hidden layers.
        normalization: `"batch"`, `"conditional_batch"`, `"layer"` or `"none"`; see `Generator`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator; see `Generator`.

    Output: `[B, size, size, channels]` in [-1, 1].

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Berthelot et al., arXiv 1703.10717, figure 1, without skip connections. The paper's
    output is linear; tanh keeps images in their range.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 64,
        filters: Count = 64,
        normalization: str = "none",
        latent: Latent = "uniform",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
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
        self.decoder = Decoder(
            shape,
            filters=filters,
            normalization=normalization,
            num_classes=num_classes,
        )
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        label = self.label_for_norms(inputs)
        return ops.tanh(self.decoder(self.latent_and_label(inputs), label=label, training=training))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="zoo")
class AutoEncoderCritic(ImageNetwork):
    """Critic that encodes an image and decodes it; the score is the error of the reconstruction.

    The encoder has two 3x3 convolutions with ELU per resolution, the second of which halves the
    size, and a dense layer at the end. Its channels grow by `filters` with each halving. The
    decoder is that of `AutoEncoderGenerator`, with weights of its own and a linear output.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two, at least 8.
        filters: int, at least 1, channels of the first layer and of the decoder.
        code_dim: int, at least 1, dimension of the code.
        reconstruction: `"l1"`, the mean absolute error over pixels and channels, or `"l2"`, the
            mean squared error.
        normalization: `"batch"`, `"layer"` or `"none"`.

    Output: float32 errors `[B]`, at least 0; a low one means real.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Berthelot et al., arXiv 1703.10717, figure 1, without skip connections. The paper's
    encoder has one convolution more per resolution.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 64,
        code_dim: Count = 64,
        reconstruction: Reconstruction = "l1",
        normalization: str = "none",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        self.code_dim = code_dim
        self.reconstruction = reconstruction
        self.normalization = normalization
        _, steps = base_and_halvings(shape[0])
        # (channels, strides) of each block: two per resolution, one at the smallest.
        plan = [(1, 1)]
        for i in range(steps):
            plan += [(i + 2, 2), (i + 2, 1)]
        self.blocks = [
            ConvolutionBlock(
                filters * factor,
                strides=strides,
                normalization=normalization if i else "none",
                name=f"block_{i}",
            )
            for i, (factor, strides) in enumerate(plan)
        ]
        self.flatten = layers.Flatten(name="flatten")
        self.code = layers.Dense(code_dim, name="code")
        self.decoder = Decoder(
            shape,
            filters=filters,
            normalization=normalization,
            output_dtype="float32",
        )
        self.build_from_symbolic_inputs()

    def encode(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Computes codes `[B, code_dim]` of images."""
        x = ops.cast(images, self.compute_dtype)
        for block in self.blocks:
            x = _segment(block, x, None, training=training)
        return self.code(self.flatten(x))

    def error(
        self, images: keras.KerasTensor, codes: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        """Computes the error of the images that are decoded from codes: float32 `[B]`."""
        difference = ops.cast(images, "float32") - self.decoder(codes, training=training)
        size = ops.abs if self.reconstruction == "l1" else ops.square
        return ops.mean(size(difference), axis=(1, 2, 3))

    def reconstruct(self, images: keras.KerasTensor) -> keras.KerasTensor:
        """Computes the decoded images, float32 in the shape of `images`."""
        return self.decoder(self.encode(images))

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return self.error(inputs, self.encode(inputs, training), training)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "code_dim": self.code_dim,
            "reconstruction": self.reconstruction,
            "normalization": self.normalization,
        }
