"""Base classes of the zoo's networks: subclassed models that are built by their constructors."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal, Self, TypeAlias

import keras
from keras import ops

from zoo.layers.normalization import CONDITIONAL
from zoo.options import Count, NotNegativeCount, check_value, checked

Inputs: TypeAlias = Any
"""A `keras.KerasTensor` or a dict of them by name."""

Latent: TypeAlias = Literal["normal", "uniform"]
"""The prior of the latent: N(0, I), or U(-1, 1)^d."""


class Network(keras.Model):
    """A subclassed `keras.Model` that is built by its constructor.

    A subclass creates its layers in `__init__` and declares its inputs in `symbolic_inputs`. Its
    constructor ends with `self.build_from_symbolic_inputs()`, and its `get_config` returns every
    constructor argument. All classes in `zoo` are subclassed, because in Keras 3 a functional and
    a subclassed child of one base class break each other.

    Args:
        name: str, the model's name.
        dtype: a dtype policy or its name; None for Keras' global policy.

    Attributes:
        image_shape: tuple of ints, the shape of one image.
        takes_labels: bool, whether the inputs are a dict with an entry `"label"`.
        preset_class: str, the class name in a preset's task.json; None for a network that is not a
            task.
    """

    takes_labels = False
    preset_class: ClassVar[str | None] = None

    def symbolic_inputs(self) -> Inputs:
        """Returns the `keras.Input` (or dict of them) that `call` takes, with any batch size."""
        raise NotImplementedError

    def build_from_symbolic_inputs(self) -> None:
        """Creates all variables, so that the network can be saved, counted and compiled."""
        self(self.symbolic_inputs())

    def as_functional(self) -> keras.Model:
        """Returns a functional view of the same variables (for exporters and keras-hub)."""
        inputs = self.symbolic_inputs()
        return keras.Model(inputs, self(inputs))

    def get_config(self) -> dict:
        return {"name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Builds a network from its configuration, and its inner `network` if it has one."""
        network = config.get("network")
        if isinstance(network, dict):
            config = {**config, "network": keras.saving.deserialize_keras_object(network)}
        return cls(**config)


class ImageNetwork(Network):
    """Base class of networks that take images: critics, and feature networks of classifiers.

    Args:
        image_shape: tuple of ints, the shape of one image; the subclass checks it.
    """

    def __init__(self, image_shape: tuple[int, ...], *, name: str | None, dtype: object):
        super().__init__(name=name, dtype=dtype)
        self.image_shape = image_shape

    def symbolic_inputs(self) -> Inputs:
        return keras.Input(self.image_shape, name="images")

    def get_config(self) -> dict:
        return {"image_shape": list(self.image_shape), **super().get_config()}


class Critic(ImageNetwork):
    """A network from images to raw scores: features, then a dense layer named `score`."""

    score: keras.layers.Layer

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Computes the features `[B, d]`, the input of the layer `score`."""
        raise NotImplementedError

    def score_of(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Computes the scores of features `[B, d]`: float32 `[B]`."""
        return ops.squeeze(self.score(features), axis=-1)

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return self.score_of(self.features(inputs, training=training))


class Generator(Network):
    """A network from latents, and from labels if it has classes, to images.

    With `normalization="conditional_batch"` the label selects the scale and offset of each norm.
    With any other normalisation the one-hot label is appended to the latent.

    Args:
        image_shape: tuple of ints, the shape of one image; the subclass checks it.
        latent_dim: int, d, at least 1, the latent's dimension.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior of the latent.
        num_classes: int, K, or 0 for an unconditional generator. A conditional one takes
            `{"latent": [B, d], "label": [B]}`.

    Attributes:
        normalization: str, the kind of the hidden layers' norms; see `zoo.layers.normalization`.

    Raises:
        ValueError: an argument outside its range.
    """

    normalization = "none"

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: Count,
        latent: Latent,
        num_classes: NotNegativeCount,
        name: str | None,
        dtype: object,
    ):
        super().__init__(name=name, dtype=dtype)
        self.image_shape = image_shape
        self.latent_dim = latent_dim
        self.latent = latent
        self.num_classes = num_classes

    def symbolic_inputs(self) -> Inputs:
        latent = keras.Input((self.latent_dim,), name="latent")
        if not self.num_classes:
            return latent
        return {"latent": latent, "label": keras.Input((), dtype="int64", name="label")}

    @property
    def conditions_norms(self) -> bool:
        """True if the norms take the label, False if the label is appended to the latent."""
        return self.normalization == CONDITIONAL

    def label_for_norms(self, inputs: Inputs) -> keras.KerasTensor | None:
        """Returns the labels `[B]` for conditional norms, and None if the norms take none."""
        return inputs["label"] if self.conditions_norms else None

    def latent_and_label(self, inputs: Inputs) -> keras.KerasTensor:
        """Returns the input of the first layer, in the compute dtype.

        Returns:
            Latent and one-hot label, `[B, d + K]`; the latent only, `[B, d]`, if the generator is
            unconditional or its norms take the label.
        """
        if not self.num_classes:
            return ops.cast(inputs, self.compute_dtype)
        if self.conditions_norms:
            return ops.cast(inputs["latent"], self.compute_dtype)
        one_hot = ops.one_hot(inputs["label"], self.num_classes, dtype=self.compute_dtype)
        return ops.concatenate([ops.cast(inputs["latent"], self.compute_dtype), one_hot], axis=-1)

    def get_config(self) -> dict:
        return {
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "latent": self.latent,
            "num_classes": self.num_classes,
            **super().get_config(),
        }


def base_and_halvings(size: int) -> tuple[int, int]:
    """Splits an image size into `base * 2**halvings` with a base of 4 to 7 pixels.

    Args:
        size: int, height = width in pixels: 8, 28, 32, 48, 64, 112, 128, ...

    Returns:
        (base, halvings): 32 -> (4, 3), 28 -> (7, 2), 112 -> (7, 4).

    Raises:
        ValueError: the size does not have that form.
    """
    base, steps = size, 0
    while base % 2 == 0 and base >= 8:
        base, steps = base // 2, steps + 1
    if not (4 <= base <= 7 and steps >= 1):
        near = sorted((b * 2**s for b in (4, 5, 6, 7) for s in range(1, 8)), key=_distance(size))
        raise ValueError(
            f"Cannot make images of {size} pixels: the size must be 4, 5, 6 or 7 times a power of "
            f"two, at least 8. The nearest are {sorted(near[:2])}; resize with --image-size."
        )
    return base, steps


def base_of_fixed_halvings(size: int, *, steps: int, network: str) -> int:
    """Returns `size / 2**steps`, for a network with a fixed number of halvings.

    Args:
        size: int, height = width in pixels, 4 to 7 times `2**steps`.
        steps: int, the network's number of halvings.
        network: str, the network's description, for the message.

    Raises:
        ValueError: any other size.
    """
    sizes = [base * 2**steps for base in (4, 5, 6, 7)]
    if size not in sizes:
        near = min(sizes, key=_distance(size))
        raise ValueError(
            f"{network} supports images of {', '.join(map(str, sizes))} pixels, not of {size}; the "
            f"nearest is {near}. Resize with --image-size, or choose another network."
        )
    return size // 2**steps


def _distance(size: int) -> Callable[[int], int]:
    return lambda other: abs(other - size)


def check_image_shape(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Returns `(size, size, channels)` as a tuple of ints; raises ValueError for other shapes."""
    shape = check_sizes(image_shape)
    if len(shape) != 3 or shape[0] != shape[1]:
        raise ValueError(
            f"`image_shape` must be (size, size, channels), received image_shape={image_shape}."
        )
    return shape


def check_sizes(image_shape: Iterable[int]) -> tuple[int, ...]:
    """Returns a shape as a tuple of ints; raises ValueError for other values, or one below 1."""
    if isinstance(image_shape, str) or not isinstance(image_shape, Iterable):
        raise ValueError(
            f"`image_shape` must be integers such as (32, 32, 3), received {image_shape!r}."
        )
    sizes = tuple(image_shape)
    for size in sizes:
        check_value("image_shape", size, Count)
    return tuple(int(size) for size in sizes)
