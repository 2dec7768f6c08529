"""The DCGAN pair at any size of base times a power of two, and any number of channels."""

import keras
from keras import layers, ops

from zoo.layers.normalization import normalization as make_normalization
from zoo.networks.network import Inputs, Network, check_image_shape, halvings

LATENTS = ("normal", "uniform")


def _normal_002() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(0.0, 0.02)


@keras.saving.register_keras_serializable(package="zoo")
class DCGANGenerator(Network):
    """Generator: dense to base x base, then 4x4 stride-2 up-convolutions, halving the channels.

    `z [, one-hot y] -> dense -> base_filters @ base -> ... -> channels @ size, tanh`, each hidden
    layer with normalisation and ReLU, bias-free, weights ~ N(0, 0.02).

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two.
        latent_dim: int, d, the latent's dimension.
        base_filters: int, channels at the base resolution (512 in the papers).
        normalization: `"batch"`, `"layer"` or `"none"`.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior it is trained with.
        num_classes: int, 0 for an unconditional generator; otherwise it takes
            `{"latent": [B, d], "label": [B]}` and joins the one-hot label to the latent.

    Returns of a call: `[B, size, size, channels]` in [-1, 1].

    Source: Radford et al. (arXiv 1511.06434); soumith/dcgan.torch; with labels clsgan.lua of
    guojunq/lsgan.

    Example:
    >>> generator = DCGANGenerator((32, 32, 3), latent_dim=100)
    >>> generator(keras.random.normal((2, 100))).shape
    TensorShape([2, 32, 32, 3])
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        latent_dim: int = 100,
        base_filters: int = 512,
        normalization: str = "batch",
        latent: str = "normal",
        num_classes: int = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if latent not in LATENTS:
            raise ValueError(f"`latent` must be one of {LATENTS}, received {latent!r}.")
        self.image_shape = check_image_shape(image_shape)
        self.latent_dim = latent_dim
        self.base_filters = base_filters
        self.normalization = normalization
        self.latent = latent
        self.num_classes = num_classes
        base, steps = halvings(self.image_shape[0])
        self.project = layers.Dense(
            base * base * base_filters,
            use_bias=False,
            kernel_initializer=_normal_002(),
            name="project",
        )
        self.unflatten = layers.Reshape((base, base, base_filters), name="unflatten")
        filters = [max(base_filters // 2**i, 1) for i in range(1, steps)] + [self.image_shape[2]]
        self.ups = [
            layers.Conv2DTranspose(
                count,
                4,
                strides=2,
                padding="same",
                use_bias=False,
                kernel_initializer=_normal_002(),
                name=f"up_{i}",
            )
            for i, count in enumerate(filters)
        ]
        self.norms = [make_normalization(normalization, name=f"norm_{i}") for i in range(steps)]
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        latent = keras.Input((self.latent_dim,), name="latent")
        if not self.num_classes:
            return latent
        return {"latent": latent, "label": keras.Input((), dtype="int64", name="label")}

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        if self.num_classes:
            one_hot = ops.one_hot(inputs["label"], self.num_classes, dtype=self.compute_dtype)
            latent = ops.cast(inputs["latent"], self.compute_dtype)
            x = ops.concatenate([latent, one_hot], axis=-1)
        else:
            x = ops.cast(inputs, self.compute_dtype)
        x = self.unflatten(self.project(x))
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = up(ops.relu(norm(x, training=training)))
        return ops.tanh(x)

    def get_config(self) -> dict:
        return {
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "base_filters": self.base_filters,
            "normalization": self.normalization,
            "latent": self.latent,
            "num_classes": self.num_classes,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


@keras.saving.register_keras_serializable(package="zoo")
class DCGANCritic(Network):
    """Critic: 4x4 stride-2 convolutions down to base x base, doubling the channels, then dense.

    `x -> filters @ size/2 -> ... -> base x base -> raw score`, each with LeakyReLU(0.2), all but
    the first normalised, bias-free, weights ~ N(0, 0.02). The score has no final non-linearity.

    Args:
        image_shape: (size, size, channels); size is 4 to 7 times a power of two.
        filters: int, channels of the first layer (64 in the papers).
        normalization: `"batch"`, `"layer"` or `"none"`.

    Returns of a call: float32 scores `[B]`.

    Source: Radford et al. (arXiv 1511.06434); soumith/dcgan.torch, without its sigmoid.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        filters: int = 64,
        normalization: str = "batch",
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.image_shape = check_image_shape(image_shape)
        self.filters = filters
        self.normalization = normalization
        _, steps = halvings(self.image_shape[0])
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

    def symbolic_inputs(self) -> Inputs:
        return keras.Input(self.image_shape, name="images")

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = ops.cast(inputs, self.compute_dtype)
        for down, norm in zip(self.downs, self.norms, strict=True):
            x = ops.leaky_relu(norm(down(x), training=training), 0.2)
        return ops.squeeze(self.score(self.flatten(x)), axis=-1)

    def get_config(self) -> dict:
        return {
            "image_shape": list(self.image_shape),
            "filters": self.filters,
            "normalization": self.normalization,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }
