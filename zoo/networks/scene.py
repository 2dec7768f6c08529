"""Generator and critic of the LSGAN paper's experiment on scenes of 112 x 112 pixels."""

import keras
from keras import layers

from zoo.layers.normalization import make_normalization
from zoo.networks.convolutions import DownsamplingCritic, UpsamplingGenerator
from zoo.networks.network import Latent, base_of_fixed_halvings, check_image_shape
from zoo.options import Count, NotNegativeCount, checked

# (divisor of the base filters, stride) of each transposed convolution except the last.
_UPS = ((1, 2), (1, 1), (1, 2), (1, 1), (2, 2), (4, 2))
_HALVINGS = 4


def scene_base(size: int) -> int:
    """Returns size/16; raises ValueError unless it is 4, 5, 6 or 7."""
    return base_of_fixed_halvings(size, steps=_HALVINGS, network="LSGAN's scene network")


def _norm(kind: str, *, name: str, num_classes: int = 0) -> layers.Layer:
    return make_normalization(kind, name=name, scale_deviation=0.0, num_classes=num_classes)


@keras.saving.register_keras_serializable(package="zoo")
class SceneGenerator(UpsamplingGenerator):
    """Generator with a dense layer and seven 3x3 transposed convolutions, four of stride 2.

    `z [, one-hot y] -> dense -> F @ s/16 -> F, F @ s/8 -> F, F @ s/4 -> F/2 @ s/2 -> F/4 @ s ->
    channels @ s, tanh`. Each hidden layer has normalisation and ReLU. Weights start at N(0, 0.02),
    biases at 0.

    Args:
        image_shape: (size, size, channels); size is 64, 80, 96 or 112 (112 in the paper).
        latent_dim: int, d, the latent's dimension (1024 in the code).
        base_filters: int, F, at least 4 (256 in the code).
        normalization: `"batch"` (momentum 0.9, epsilon 1e-5), `"conditional_batch"`, `"layer"` or
            `"none"`; see `Generator`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d, as in the code), the prior.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.

    Output: `[B, size, size, channels]` in [-1, 1].

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: vgg.py and ops.py of xudonmao/LSGAN (arXiv 1611.04076).
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 1024,
        base_filters: Count = 256,
        normalization: str = "batch",
        latent: Latent = "uniform",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base = scene_base(shape[0])
        if base_filters < 4:
            raise ValueError(f"`base_filters` must be at least 4, received {base_filters}.")
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
        normal = keras.initializers.RandomNormal
        self.project = layers.Dense(
            base * base * base_filters, kernel_initializer=normal(0, 0.02), name="project"
        )
        self.unflatten = layers.Reshape((base, base, base_filters), name="unflatten")
        shapes = [(base_filters // divisor, stride) for divisor, stride in _UPS] + [(shape[2], 1)]
        self.ups = [
            layers.Conv2DTranspose(
                count,
                3,
                strides=stride,
                padding="same",
                kernel_initializer=normal(0, 0.02),
                name=f"up_{i}",
            )
            for i, (count, stride) in enumerate(shapes)
        ]
        self.norms = [
            _norm(normalization, name=f"norm_{i}", num_classes=num_classes)
            for i in range(len(shapes))
        ]
        self.build_from_symbolic_inputs()


@keras.saving.register_keras_serializable(package="zoo")
class SceneCritic(DownsamplingCritic):
    """Critic with four 5x5 stride-2 convolutions and a dense layer.

    The convolutions have F, 2F, 4F, 8F channels. LeakyReLU(0.2) follows each of them, and
    normalisation precedes it in all but the first. Convolutions start at N(0, 0.02) truncated at
    two standard deviations, the dense layer at N(0, 0.02), biases at 0. The score is linear.

    Args:
        image_shape: (size, size, channels); size is 64, 80, 96 or 112 (112 in the paper).
        filters: int, F, at least 1 (64 in the code).
        normalization: `"batch"` (momentum 0.9, epsilon 1e-5), `"layer"` or `"none"`.

    Output: float32 scores `[B]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: vgg.py and ops.py of xudonmao/LSGAN (arXiv 1611.04076).
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
        scene_base(shape[0])
        super().__init__(
            shape, filters=filters, normalization=normalization, name=name, dtype=dtype
        )
        self.downs = [
            layers.Conv2D(
                filters * 2**i,
                5,
                strides=2,
                padding="same",
                kernel_initializer=keras.initializers.TruncatedNormal(0, 0.02),
                name=f"down_{i}",
            )
            for i in range(_HALVINGS)
        ]
        kinds = ["none"] + [normalization] * (_HALVINGS - 1)
        self.norms = [_norm(kind, name=f"norm_{i}") for i, kind in enumerate(kinds)]
        self.flatten = layers.Flatten(name="flatten")
        self.score = layers.Dense(
            1,
            kernel_initializer=keras.initializers.RandomNormal(0, 0.02),
            dtype="float32",
            name="score",
        )
        self.build_from_symbolic_inputs()
