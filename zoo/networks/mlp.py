"""Multilayer perceptrons as generator and critic, for points and for flattened images."""

import math

import keras
from keras import layers, ops

from zoo.networks.network import Critic, Generator, Inputs, Latent, check_sizes
from zoo.options import Count, NotNegativeCount, checked

GAIN = 1.4


def check_mlp_shape(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape as a tuple of ints; raises ValueError if a size is below 1."""
    shape = check_sizes(image_shape)
    if not shape:
        raise ValueError(
            "`image_shape` must be (dimensions,) for points or (height, width, channels) for "
            f"images, received image_shape={image_shape}."
        )
    return shape


def _dense(units: int, *, name: str, dtype: object = None) -> layers.Dense:
    return layers.Dense(
        units,
        kernel_initializer=keras.initializers.Orthogonal(GAIN),
        name=name,
        dtype=dtype,
    )


@keras.saving.register_keras_serializable(package="zoo")
class MLPGenerator(Generator):
    """Generator with `depth` hidden dense layers.

    `z [, one-hot y] -> depth x (dense, activation) -> dense -> image_shape`, with orthogonal
    weights of gain 1.4. Images end with tanh. Points (a shape of one axis) have a linear output, so
    their range is not bounded.

    Args:
        image_shape: (dimensions,) for points or (height, width, channels) for images.
        latent_dim: int, d, the latent's dimension.
        units: int, at least 1, width of the hidden layers.
        depth: int, at least 1, number of hidden layers.
        activation: str, name of a Keras activation, for the hidden layers.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}` and appends the one-hot label to the latent.

    Output: `[B, *image_shape]`.

    Raises:
        ValueError: an argument outside its range.

    Source: ls.py of xudonmao/LSGAN (2 layers of 128 with tanh, on a ring of Gaussians).

    Example:
    >>> generator = MLPGenerator((2,), latent_dim=16, units=32, activation="tanh")
    >>> generator(keras.random.normal((5, 16))).shape
    TensorShape([5, 2])
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count = 100,
        units: Count = 128,
        depth: Count = 2,
        activation: str = "relu",
        latent: Latent = "normal",
        num_classes: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_mlp_shape(image_shape)
        super().__init__(
            shape,
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.units = units
        self.depth = depth
        self.activation = activation
        self.nonlinearity = keras.activations.get(activation)
        self.hidden = [_dense(units, name=f"hidden_{i}") for i in range(depth)]
        self.output_layer = _dense(math.prod(shape), name="output")
        self.unflatten = layers.Reshape(shape, name="unflatten")
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        x = self.latent_and_label(inputs)
        for dense in self.hidden:
            x = self.nonlinearity(dense(x))
        x = self.unflatten(self.output_layer(x))
        return x if len(self.image_shape) == 1 else ops.tanh(x)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "units": self.units,
            "depth": self.depth,
            "activation": self.activation,
        }


@keras.saving.register_keras_serializable(package="zoo")
class MLPCritic(Critic):
    """Critic with `depth` hidden dense layers.

    `flatten -> depth x (dense, activation) -> raw score`, with orthogonal weights of gain 1.4.

    Args:
        image_shape: (dimensions,) for points or (height, width, channels) for images.
        units: int, at least 1, width of the hidden layers.
        depth: int, at least 1, number of hidden layers.
        activation: str, name of a Keras activation, for the hidden layers.

    Output: float32 scores `[B]`.

    Raises:
        ValueError: an argument outside its range.

    Source: ls.py of xudonmao/LSGAN (2 layers of 128 with tanh).
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        units: Count = 128,
        depth: Count = 2,
        activation: str = "relu",
        name: str | None = None,
        dtype: object = None,
    ):
        shape = check_mlp_shape(image_shape)
        super().__init__(shape, name=name, dtype=dtype)
        self.units = units
        self.depth = depth
        self.activation = activation
        self.nonlinearity = keras.activations.get(activation)
        self.flatten = layers.Flatten(name="flatten")
        self.hidden = [_dense(units, name=f"hidden_{i}") for i in range(depth)]
        self.score = _dense(1, name="score", dtype="float32")
        self.build_from_symbolic_inputs()

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = self.flatten(ops.cast(images, self.compute_dtype))
        for dense in self.hidden:
            x = self.nonlinearity(dense(x))
        return x

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "units": self.units,
            "depth": self.depth,
            "activation": self.activation,
        }
