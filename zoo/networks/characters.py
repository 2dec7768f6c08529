"""The pair that LSGAN's thousands of handwritten characters were made with."""

import keras
from keras import layers, ops

from zoo.layers.normalization import normalization as make_normalization
from zoo.networks.conditional import LabelledCritic, label_map
from zoo.networks.convolutions import upsample
from zoo.networks.network import (
    Generator,
    Inputs,
    check_image_shape,
    check_positive,
    fixed_halvings,
)

_HALVINGS = 2
_UNITS = 16  # Units of the critic's dense layer for each of its filters: 1024 for 64.


def characters_base(size: int) -> int:
    """Returns size/4, or raises ValueError where that is not 4, 5, 6 or 7."""
    return fixed_halvings(size, steps=_HALVINGS, network="LSGAN's character network")


def _normal() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


@keras.saving.register_keras_serializable(package="zoo")
class CharacterGenerator(Generator):
    """Generator: dense to F @ s/4, then two 5x5 up-convolutions, to F @ s/2 and to the image.

    `z [, one-hot y] -> dense -> F @ s/4 -> F @ s/2 -> channels @ s`, each hidden layer with
    normalisation and ReLU. The code ends with a sigmoid s, for images in [0, 1]: here `2 s - 1`.
    Within `zoo.networks.ConditionalGenerator` the label joins the latent through a linear map.

    Args:
        image_shape: (size, size, channels); size is 16, 20, 24 or 28 (the code's).
        latent_dim: int, d, the latent's dimension (1024 in the code).
        base_filters: int, F (128 in the code).
        normalization: `"batch"`, `"conditional_batch"` (the label goes to the norms, not to the
            latent), `"layer"` or `"none"`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d, the code's), the prior.
        num_classes: int, 0 for an unconditional generator; otherwise it takes
            `{"latent": [B, d], "label": [B]}` and joins the one-hot label to the latent.

    Returns of a call: `[B, size, size, channels]` in [-1, 1].

    Source: mcgan.py of xudonmao/Multi-class_GAN; initialisers, biases and the norms' settings are
    those of the same author's scene network (vgg.py of xudonmao/LSGAN).
    """

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: int = 1024,
        base_filters: int = 128,
        normalization: str = "batch",
        latent: str = "uniform",
        num_classes: int = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        base = characters_base(shape[0])
        check_positive(base_filters=base_filters)
        super().__init__(
            shape,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.base_filters = base_filters
        self.normalization = normalization
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
        x = self.unflatten(self.project(self.join(inputs)))
        label = self.label_for_norms(inputs)
        return (
            2.0 * ops.sigmoid(upsample(x, self.norms, self.ups, label=label, training=training))
            - 1.0
        )

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "base_filters": self.base_filters,
            "normalization": self.normalization,
        }


@keras.saving.register_keras_serializable(package="zoo")
class CharacterCritic(LabelledCritic):
    """Critic that joins a linear map of the label to the outputs of three layers.

    `x -> conv 5x5 s2, C + m -> [+ y maps] -> conv 5x5 s2, F + m, norm -> flatten [+ y] -> dense
    16 F, norm [+ y] -> dense 1`, with LeakyReLU(0.2); y is the label's map to m values, one map for
    all three. The code has images in [0, 1], so that x is scaled to these first.

    Args:
        image_shape: (size, size, C); size is 16, 20, 24 or 28 (the code's).
        num_classes: int, K, at least 1 (3740 in the code).
        label_dim: int, m, the size of the label's map (256 in the code).
        filters: int, F (64 in the code).
        normalization: `"batch"`, `"layer"` or `"none"`.

    Returns of a call on `{"images": [B, size, size, C], "label": [B]}`: float32 scores `[B]`.

    Source: as `CharacterGenerator`.
    """

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        num_classes: int,
        label_dim: int = 256,
        filters: int = 64,
        normalization: str = "batch",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_image_shape(image_shape)
        characters_base(shape[0])
        check_positive(num_classes=num_classes, label_dim=label_dim, filters=filters)
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
        self.dense = layers.Dense(_UNITS * filters, kernel_initializer=_normal(), name="dense")
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
