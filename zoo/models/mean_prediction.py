"""The running mean of predictions, by which distribution alignment divides."""

import keras
import tensorflow as tf

from zoo.gradients import global_sum
from zoo.models.semi_supervised import UnlabelledImages

MEAN_DECAY = 0.99
"""Decay of the running mean; ReMixMatch takes the mean over 128 batches."""


class MeanPrediction:
    """The running mean of the averaged classifier's probabilities over unlabelled images.

    Args:
        variable: a float32 variable `[K]` of the model.
    """

    def __init__(self, variable: keras.Variable):
        self.variable = variable

    @staticmethod
    def create(model: keras.Model, num_classes: int) -> "MeanPrediction":
        """Adds the variable to a model; it starts with equal shares."""
        start = keras.initializers.Constant(1.0 / num_classes)
        return MeanPrediction(
            model.add_weight((num_classes,), start, trainable=False, name="mean_prediction")
        )

    @property
    def value(self) -> tf.Tensor:
        """The mean so far, float32 `[K]`."""
        return tf.convert_to_tensor(self.variable)

    def update(self, images: UnlabelledImages, global_batch: tf.Tensor) -> None:
        """Moves the mean towards that of the images of all replicas.

        Args:
            images: the unlabelled images of this replica.
            global_batch: float32 scalar, the number of labelled images of all replicas.
        """
        total = tf.reduce_sum(images.average_probabilities, axis=0)
        mean = global_sum(total / (global_batch * images.multiple))
        self.variable.assign(self.value + (1.0 - MEAN_DECAY) * (mean - self.value))
