"""Base class of penalties: terms of the critic's loss, and constraints on its weights."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import keras
import tensorflow as tf

from zoo.options import NotNegative, checked
from zoo.randomness import Noise

Score = Callable[[tf.Tensor], tf.Tensor]


class Penalised(NamedTuple):
    """Results of a penalty in one critic step.

    Attributes:
        terms: per-sample values `[b]` by name, with the weight included. Their means over the
            *global* batch are added to the critic's loss.
        logs: per-sample values `[b]` by name, for the logs.
        found: tensors for `after_step`, by name.
    """

    terms: dict[str, tf.Tensor]
    logs: dict[str, tf.Tensor]
    found: dict[str, tf.Tensor]


NOTHING = Penalised({}, {}, {})


class Penalty(keras.layers.Layer):
    """A term of the critic's loss, a constraint on its weights, or both.

    A penalty is a layer, so its state (a buffer, a multiplier) belongs to the model's variables and
    to its checkpoints.

    Args:
        weight: float >= 0, the factor of the term; 0 for a constraint.

    Attributes:
        differentiates: bool, whether the term contains the critic's gradient with respect to the
            images. Such a penalty refuses a critic with batch normalisation, which would make the
            gradient of one image depend on the other images.
        logged: names of the terms and logs that `terms` returns.
        is_proportional: bool, whether the terms are proportional to `weight`, so that the weight
            can change during a run.
        is_skippable: bool, whether steps without the penalty are possible: it has no state, does
            not communicate with other replicas, and its only term is `"penalty"`.

    Raises:
        ValueError: a weight that is negative, not finite or not a number.
    """

    differentiates = True
    logged: tuple[str, ...] = ()
    is_proportional: ClassVar[bool] = False
    is_skippable: ClassVar[bool] = False

    @checked
    def __init__(self, weight: NotNegative, *, name: str | None = None):
        super().__init__(name=name, dtype="float32")
        self.weight = weight
        self.built = True

    def prepare(self, critic: keras.Model) -> None:
        """Checks the critic, and creates the variables whose shapes depend on it.

        Raises:
            ValueError: the penalty does not support this critic; the message states the reason.
        """
        if self.differentiates:
            _refuse_batch_normalization(critic, type(self).__name__)

    def check_batch(self, size: int) -> None:
        """Checks the number of images of a critic step, over all replicas.

        Raises:
            ValueError: the penalty does not work with so few images.
        """
        return

    def before_step(self, critic: keras.Model) -> None:
        """Changes the critic's weights before its step, identically on every replica."""
        return  # AutoGraph cannot parse a method that consists of a docstring only.

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty on this replica's rows.

        Args:
            score: the critic as a function from images `[b, ...]` to scores `[b]`.
            real: float32 tensor `[b, ...]`, in [-1, 1].
            fake: float32 tensor of the same shape; x_i is paired with g_i.
            noise: noise of the b rows.
            global_batch: float32 scalar, B, the number of rows of all replicas.

        Returns:
            A `Penalised`.
        """
        return NOTHING

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Changes the critic's weights or the penalty's state after the critic's step.

        Args:
            critic: the network.
            found: the field `found` of the step's `Penalised`.
        """
        return


def _refuse_batch_normalization(critic: keras.Model, penalty: str) -> None:
    for layer in critic._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                f"{penalty} needs the critic's gradient for each image separately, and batch "
                f"normalisation (layer {layer.name!r}) makes it depend on the other images. Use "
                "critic_normalization 'layer' or 'none'."
            )
