"""What every penalty is: a term per sample, or a constraint, that makes a critic smoother."""

from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.randomness import Noise

Score = Callable[[tf.Tensor], tf.Tensor]


class Penalty(keras.layers.Layer):
    """A term added to the critic's loss, or a constraint put on its weights after each step.

    A layer, so that what a penalty remembers (a buffer, a multiplier) is part of the model's
    variables and of its checkpoints. A subclass overrides `terms`, or `constrain`, or both.

    Args:
        weight: float >= 0, the factor of the term.

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

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise
    ) -> tf.Tensor | None:
        """Computes values whose mean over the *global* batch is the penalty, weight included.

        Args:
            score: the critic as a function from images `[b, ...]` to scores `[b]`.
            real: float32 tensor `[b, ...]`, in [-1, 1].
            fake: float32 tensor of the same shape; x_i is paired with g_i.
            noise: the rows' noise.

        Returns:
            float32 tensor `[b]`; None for a constraint that adds no term.
        """
        return None

    def constrain(self, critic: keras.Model) -> None:
        """Changes the critic's weights after its step, the same way on every replica."""

    def get_config(self) -> dict:
        return {"weight": self.weight, "name": self.name}
