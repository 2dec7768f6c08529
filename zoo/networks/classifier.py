"""Feature networks of CLS-GAN's classifier: the paper's and the released script's."""

import keras
from keras import layers, ops

from zoo.layers.dropout import StatelessDropout
from zoo.layers.normalization import make_normalization
from zoo.networks.convolutions import downsample
from zoo.networks.network import (
    ImageNetwork,
    base_of_fixed_halvings,
    check_image_shape,
)
from zoo.options import Count, Share, checked

_NARROW_LAYERS = 3  # Layers 0-2 have `filters` channels, layers 3-8 have twice as many.
_KERNELS_STRIDES = ((3, 1), (3, 1), (4, 2), (3, 1), (3, 1), (4, 2), (3, 1), (3, 1), (1, 1))
_DROPOUT_BEFORE = (0, 3, 6)


def kernel_initializer(normalization: str) -> keras.initializers.Initializer:
    """Returns the initialiser of the kernels of CLS-GAN's feature networks.

    Normalisation makes the features independent of the kernels' scale, so the published N(0, 0.02)
    is right for it. Without normalisation that scale would shrink the images from layer to layer.

    Args:
        normalization: `"batch"` or `"layer"` for N(0, 0.02), `"none"` for He's normal initialiser.
    """
    if normalization == "none":
        return keras.initializers.HeNormal()
    return keras.initializers.RandomNormal(0.0, 0.02)


@keras.saving.register_keras_serializable(package="zoo")
class CLSGANFeatures(ImageNetwork):
    """Nine convolutions: 3c1 3c1 4c2 | 3c1 3c1 4c2 | 3c1 3c1 1c1 (`kernel c stride`).

    The channels are F F F | 2F 2F 2F | 2F 2F 2F. Normalisation and LeakyReLU(0.2) follow each
    convolution. `zoo.ImageClassifier` adds pooling and the class layer; both together are the
    paper's loss network.

    Args:
        image_shape: (size, size, channels), size at least 4.
        filters: int, F, at least 1 (96 in the paper).
        normalization: `"batch"` (as in the paper), `"layer"` or `"none"`.
        dropout: float in [0, 1), the rate before each of the three groups. The paper's table lists
            no dropout, but its text refers to the network of Improved GAN, which uses it.

    Output: `[B, ceil(size/4), ceil(size/4), 2F]`.

    Source: Qi, arXiv 1701.06264v3, Table 1.

    Example:
    >>> CLSGANFeatures((32, 32, 3), filters=8)(keras.ops.zeros((2, 32, 32, 3))).shape
    TensorShape([2, 8, 8, 16])
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 96,
        normalization: str = "batch",
        dropout: Share = 0.0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        self.normalization = normalization
        self.dropout = dropout
        bias = normalization == "none"
        self.convolutions = [
            layers.Conv2D(
                filters if i < _NARROW_LAYERS else 2 * filters,
                kernel,
                strides=stride,
                padding="same",
                use_bias=bias,
                kernel_initializer=kernel_initializer(normalization),
                name=f"convolution_{i}",
            )
            for i, (kernel, stride) in enumerate(_KERNELS_STRIDES)
        ]
        self.norms = [
            make_normalization(normalization, name=f"norm_{i}")
            for i in range(len(_KERNELS_STRIDES))
        ]
        self.dropouts = [StatelessDropout(dropout, name=f"dropout_{i}") for i in _DROPOUT_BEFORE]
        self.build_from_symbolic_inputs()

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = ops.cast(inputs, self.compute_dtype)
        dropouts = dict(zip(_DROPOUT_BEFORE, self.dropouts, strict=True))
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if i in dropouts:
                x = dropouts[i](x, training=training)
            x = ops.leaky_relu(norm(convolution(x), training=training), 0.2)
        return x

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="zoo")
class ReleasedCLSGANFeatures(ImageNetwork):
    """Critic of the released CLS-GAN script: 4c2 3c1 | 4c2 3c1 | 4c2 3c1 (`kernel c stride`).

    The channels are F F | 2F 2F | 4F 4F. The convolutions have no biases. Their weights start at
    N(0, 0.02), and without normalisation, which the script does not have, at He's normal. A
    LeakyReLU(0.2) follows each of them, and normalisation precedes it in all but the first. The
    script ends with a 4x4 convolution of the 4 x 4 map to one activation per class. Here the map is
    flattened into the channels of one position, so the pooling and the class layer of
    `zoo.ImageClassifier` compute the same convolution. Unlike the script, that layer has a bias and
    Keras' default initialiser.

    Args:
        image_shape: (size, size, channels); size is 32, 40, 48 or 56.
        filters: int, F, at least 1 (64 in the script).
        normalization: `"batch"` (as in the script), `"layer"` or `"none"`.

    Output: `[B, 1, 1, 4F (size/8)^2]`.

    Source: clsgan.lua of guojunq/lsgan.
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
        base_of_fixed_halvings(
            shape[0], steps=3, network="The critic of the released CLS-GAN script"
        )
        super().__init__(shape, name=name, dtype=dtype)
        self.filters = filters
        self.normalization = normalization
        self.convolutions = [
            layers.Conv2D(
                filters * 2 ** (i // 2),
                3 if i % 2 else 4,
                strides=1 if i % 2 else 2,
                padding="same",
                use_bias=False,
                kernel_initializer=kernel_initializer(normalization),
                name=f"convolution_{i}",
            )
            for i in range(6)
        ]
        kinds = ["none"] + [normalization] * 5
        self.norms = [make_normalization(kind, name=f"norm_{i}") for i, kind in enumerate(kinds)]
        self.flatten = layers.Reshape((1, 1, -1), name="flatten")
        self.build_from_symbolic_inputs()

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = ops.cast(inputs, self.compute_dtype)
        return self.flatten(downsample(x, self.convolutions, self.norms, training=training))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
        }
