"""Generator and critic of the LSGAN paper's experiment on handwritten Chinese characters."""

import keras
from keras import layers, ops

from zoo.layers.normalization import make_normalization
from zoo.networks.conditional import LabelledCritic, label_map
from zoo.networks.convolutions import UpsamplingGenerator
from zoo.networks.network import Inputs, Latent, base_of_fixed_halvings, check_image_shape
from zoo.options import Count, NotNegativeCount, checked

_HALVINGS = 2
_UNITS_PER_FILTER = 16  # The code's dense layer has 1024 units for 64 filters.


def characters_base(size: int) -> int:
    """Returns size/4; raises ValueError unless it is 4, 5, 6 or 7."""
    return base_of_fixed_halvings(size, steps=_HALVINGS, network="LSGAN's character network")


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


@keras.saving.register_keras_serializable(package="zoo")
class CharacterGenerator(UpsamplingGenerator):
    """Generator with a dense layer and two 5x5 transposed convolutions.

    `z [, one-hot y] -> dense -> F @ s/4 -> F @ s/2 -> channels @ s`, where `F @ s` means F channels
    at size s. Each hidden layer has normalisation and ReLU. The released code ends with a sigmoid
    for images in [0, 1]; here the output is `2 sigmoid(a) - 1`. To map the label linearly before it
    is appended to the latent, wrap this network in `zoo.networks.ConditionalGenerator`.

    Args:
        image_shape: (size, size, channels); size is 16, 20, 24 or 28 (28 in the code).
        latent_dim: int, d, the latent's dimension (1024 in the code).
        base_filters: int, F, at least 1 (128 in the code).
        normalization: `"batch"`, `"conditional_batch"`, `"layer"` or `"none"`; see `Generator`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d, as in the code), the prior.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.

    Output: `[B, size, size, channels]` in [-1, 1].

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: mcgan.py of xudonmao/Multi-class_GAN. Initialisers, biases and normalisation settings
    follow the same author's scene network (vgg.py of xudonmao/LSGAN).
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 1024,
        base_filters: Count = 128,
        normalization: str = "batch",
        latent: Latent = "uniform",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base = characters_base(shape[0])
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
            base * base * base_filters, kernel_initializer=_normal(), name="project"
        )
        self.unflatten = layers.Reshape((base, base, base_filters), name="unflatten")
        self.ups = [
            layers.Conv2DTranspose(
                count,
                5,
                strides=2,
                padding="same",
                kernel_initializer=_normal(),
                name=f"up_{i}",
            )
            for i, count in enumerate((base_filters, shape[2]))
        ]
        self.norms = [
            make_normalization(
                normalization, name=f"norm_{i}", scale_deviation=0.0, num_classes=num_classes
            )
            for i in range(_HALVINGS)
        ]
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return 2.0 * ops.sigmoid(self.upsampled(inputs, training=training)) - 1.0


@keras.saving.register_keras_serializable(package="zoo")
class CharacterCritic(LabelledCritic):
    """Critic that appends a label embedding to the outputs of three layers.

    `x -> conv 5x5 s2, C + m -> [+ y maps] -> conv 5x5 s2, F + m, norm -> flatten [+ y] -> dense
    16 F, norm [+ y] -> dense 1`, with LeakyReLU(0.2). y is an embedding of the label of size m; all
    three layers share it. The released code uses images in [0, 1], so the network first rescales x.

    Args:
        image_shape: (size, size, C); size is 16, 20, 24 or 28 (28 in the code).
        num_classes: int, K, at least 1 (3740 in the code).
        label_dim: int, m, at least 1, the size of the label embedding (256 in the code).
        filters: int, F, at least 1 (64 in the code).
        normalization: `"batch"`, `"layer"` or `"none"`.

    Inputs: `{"images": [B, size, size, C], "label": [B]}`. Output: float32 scores `[B]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: the same as `CharacterGenerator`.
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        num_classes: Count,
        label_dim: Count = 256,
        filters: Count = 64,
        normalization: str = "batch",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        characters_base(shape[0])
        super().__init__(shape, name=name, dtype=dtype)
        self.num_classes = num_classes
        self.label_dim = label_dim
        self.filters = filters
        self.normalization = normalization
        self.label_map = label_map(num_classes, label_dim)
        self.downs = [
            layers.Conv2D(
                count + label_dim,
                5,
                strides=2,
                padding="same",
                kernel_initializer=keras.initializers.TruncatedNormal(0.0, 0.02),
                name=f"down_{i}",
            )
            for i, count in enumerate((shape[2], filters))
        ]
        self.flatten = layers.Flatten(name="flatten")
        self.dense = layers.Dense(
            _UNITS_PER_FILTER * filters, kernel_initializer=_normal(), name="dense"
        )
        self.norm = make_normalization(normalization, name="norm", scale_deviation=0.0)
        self.unflatten = layers.Reshape((1, 1, -1), name="unflatten")
        self.dense_norm = make_normalization(normalization, name="dense_norm", scale_deviation=0.0)
        self.score = layers.Dense(1, kernel_initializer=_normal(), dtype="float32", name="score")
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        label = ops.cast(self.label_map(inputs["label"]), self.compute_dtype)
        x = 0.5 * (ops.cast(inputs["images"], self.compute_dtype) + 1.0)
        x = ops.leaky_relu(self.downs[0](x), 0.2)
        maps = ops.reshape(label, (-1, 1, 1, self.label_dim)) * ops.ones_like(x[..., :1])
        x = self.downs[1](ops.concatenate([x, maps], axis=-1))
        x = self.flatten(ops.leaky_relu(self.norm(x, training=training), 0.2))
        x = self.dense(ops.concatenate([x, label], axis=-1))
        x = self.dense_norm(self.unflatten(x), training=training)
        x = self.flatten(ops.leaky_relu(x, 0.2))
        x = ops.concatenate([x, label], axis=-1)
        return ops.squeeze(self.score(x), axis=-1)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "label_dim": self.label_dim,
            "filters": self.filters,
            "normalization": self.normalization,
        }
