"""What every penalty is: a term per sample, or a constraint, that makes a critic smoother."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from zoo.randomness import Noise

Score = Callable[[tf.Tensor], tf.Tensor]


class Penalised(NamedTuple):
    """What a penalty found in one critic step.

    Attributes:
        terms: per-sample values `[b]` by name, whose means over the *global* batch are added to the
            critic's loss, weight included.
        logs: per-sample values `[b]` by name, to log.
        found: what `after_step` is to know.
    """

    terms: dict[str, tf.Tensor]
    logs: dict[str, tf.Tensor]
    found: dict[str, tf.Tensor]


NOTHING = Penalised({}, {}, {})


class Penalty(keras.layers.Layer):
    """A term added to the critic's loss, or a constraint put on its weights, or both.

    A layer, so that what a penalty remembers (a buffer, a multiplier) is part of the model's
    variables and of its checkpoints.

    Args:
        weight: float >= 0, the factor of the term; 0 for a constraint.

    Subclass attributes:
        differentiates: bool, whether the term takes a gradient with respect to the images. Batch
            normalisation would mix the samples in it, so such a penalty refuses it.
    """

    differentiates = True

    def __init__(self, weight: float, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        if weight < 0:
            raise ValueError(f"A penalty's weight must not be negative, received {weight}.")
        self.weight = weight
        self.built = True

    def prepare(self, critic: keras.Model) -> None:
        """Checks that this critic can be penalised, and makes variables that depend on it.

        Raises:
            ValueError: it cannot; the message says why.
        """
        if self.differentiates:
            _refuse_batch_normalization(critic, type(self).__name__)

    def before_step(self, critic: keras.Model) -> None:
        """Changes the critic's weights before its step, the same way on every replica."""
        return  # AutoGraph cannot read a method that is a docstring alone.

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty.

        Args:
            score: the critic as a function from images `[b, ...]` to scores `[b]`.
            real: float32 tensor `[b, ...]`, in [-1, 1].
            fake: float32 tensor of the same shape; x_i is paired with g_i.
            noise: the rows' noise.
            global_batch: float32 scalar, B, the number of rows over all replicas.
        """
        return NOTHING

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Changes the critic's weights, or what is remembered, after the critic's step.

        Args:
            critic: the network.
            found: that of the step's `terms`.
        """
        return


def _refuse_batch_normalization(critic: keras.Model, penalty: str) -> None:
    for layer in critic._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                f"{penalty} takes the critic's gradient image by image, and batch normalisation "
                f"(layer {layer.name!r}) makes it depend on the other images. Use "
                "critic_normalization 'layer' or 'none'."
            )
