"""What every network of the zoo is: a subclassed model that builds itself without data."""

from collections.abc import Callable
from typing import Any, TypeAlias

import keras

Inputs: TypeAlias = Any
"""A `keras.KerasTensor` or a dict of them by name."""


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


def _distance(size: int) -> Callable[[int], int]:
    return lambda other: abs(other - size)


def check_image_shape(image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Returns `(size, size, channels)` as a tuple of ints, or raises ValueError."""
    shape = tuple(int(n) for n in image_shape)
    if len(shape) != 3 or shape[0] != shape[1] or min(shape) < 1:
        raise ValueError(
            f"`image_shape` must be (size, size, channels), received image_shape={image_shape}."
        )
    return shape
