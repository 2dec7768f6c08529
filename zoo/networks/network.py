"""What every network of the zoo is: a subclassed model that builds itself without data."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras
from keras import ops

from zoo.layers.normalization import CONDITIONAL

Inputs: TypeAlias = Any
"""A `keras.KerasTensor` or a dict of them by name."""

LATENTS = ("normal", "uniform")


class Network(keras.Model):
    """A subclassed `keras.Model` that is built by its constructor.

    A subclass makes its layers in `__init__`, says what it takes in `symbolic_inputs`, ends its
    constructor with `self.build_from_symbolic_inputs()`, and returns every constructor argument
    from `get_config`. Everything in `zoo` is subclassed: a functional and a subclassed child of
    one base break each other in Keras 3.
    """

    def symbolic_inputs(self) -> Inputs:
        """Returns the `keras.Input` (or dict of them) that `call` takes, batch size free."""
        raise NotImplementedError

    def build_from_symbolic_inputs(self) -> None:
        """Creates all variables, so that the network can be saved, counted and compiled."""
        self(self.symbolic_inputs())

    def as_functional(self) -> keras.Model:
        """Returns a functional view over the same variables (for exporters and keras-hub)."""
        inputs = self.symbolic_inputs()
        return keras.Model(inputs, self(inputs))

    def get_config(self) -> dict:
        raise NotImplementedError


class ImageNetwork(Network):
    """A network that takes images: a critic, or the features of a classifier.

    Args:
        image_shape: tuple of ints, the shape of one image, already checked by the subclass.
    """

    def __init__(self, image_shape: tuple[int, ...], *, name: str | None, dtype: object):
        super().__init__(name=name, dtype=dtype)
        self.image_shape = image_shape

    def symbolic_inputs(self) -> Inputs:
        return keras.Input(self.image_shape, name="images")

    def get_config(self) -> dict:
        return {
            "image_shape": list(self.image_shape),
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


class Critic(ImageNetwork):
    """A network from images to raw scores: a last dense layer `score` on its `features`."""

    score: keras.layers.Layer

    def features(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Computes what the score is a linear function of: `[B, d]`."""
        raise NotImplementedError

    def score_of(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """Computes the float32 scores `[B]` of `features`."""
        return ops.squeeze(self.score(features), axis=-1)

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return self.score_of(self.features(inputs, training=training))


class Generator(Network):
    """A network that makes images out of latents, and of labels where it has classes.

    Args:
        image_shape: tuple of ints, the shape of one image, already checked by the subclass.
        latent_dim: int, d, the latent's dimension.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior it is trained with.
        num_classes: int, 0 for an unconditional generator; otherwise it takes
            `{"latent": [B, d], "label": [B]}` and joins the one-hot label to the latent, or hands
            the label to its norms where these are conditional.

    Subclass attributes:
        normalization: str, that of the hidden layers; see `zoo.layers.normalization`.
    """

    normalization = "none"

    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        latent_dim: int,
        latent: str,
        num_classes: int,
        name: str | None,
        dtype: object,
    ):
        check_positive(latent_dim=latent_dim)
        if latent not in LATENTS:
            raise ValueError(f"`latent` must be one of {LATENTS}, received {latent!r}.")
        if num_classes < 0:
            raise ValueError(f"`num_classes` must not be negative, received {num_classes}.")
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
        """Whether the label reaches the network through its norms, and not through the latent."""
        return self.normalization == CONDITIONAL

    def label_for_norms(self, inputs: Inputs) -> keras.KerasTensor | None:
        """Returns the labels `[B]` for conditional norms, None where there are none."""
        return inputs["label"] if self.conditions_norms else None

    def join(self, inputs: Inputs) -> keras.KerasTensor:
        """Returns the latent with the one-hot label behind it: `[B, d + num_classes]`.

        Where the norms take the label, it is the latent alone.
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
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


def halvings(size: int) -> tuple[int, int]:
    """Splits an image size into `base * 2**steps` with a base of 4 to 7 pixels.

    Args:
        size: int, height = width in pixels: 8, 28, 32, 48, 64, 112, 128, ...

    Returns:
        (base, steps): 32 -> (4, 3), 28 -> (7, 2), 112 -> (7, 4).

    Raises:
        ValueError: the size is not of that form.
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


def fixed_halvings(size: int, *, steps: int, network: str) -> int:
    """Returns the base of a network that has a fixed number of halvings.

    Args:
        size: int, height = width in pixels, 4 to 7 times `2**steps`.
        steps: int, how often the network halves the image.
        network: str, what to call it in the error.

    Raises:
        ValueError: another size.
    """
    sizes = [base * 2**steps for base in (4, 5, 6, 7)]
    if size not in sizes:
        near = min(sizes, key=_distance(size))
        raise ValueError(
            f"{network} makes images of {', '.join(map(str, sizes))} pixels, not of {size}; the "
            f"nearest is {near}. Resize with --image-size, or take another network."
        )
    return size // 2**steps


def _distance(size: int) -> Callable[[int], int]:
    return lambda other: abs(other - size)


def check_image_shape(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Returns `(size, size, channels)` as a tuple of ints, or raises ValueError."""
    shape = tuple(int(n) for n in image_shape)
    if len(shape) != 3 or shape[0] != shape[1] or min(shape) < 1:
        raise ValueError(
            f"`image_shape` must be (size, size, channels), received image_shape={image_shape}."
        )
    return shape


def check_positive(**values: int) -> None:
    """Raises ValueError for a value below 1, by its name."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1, received {name}={value}.")
