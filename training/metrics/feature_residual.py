"""The residual feature network, for data sets that the small one does not learn well enough."""

import keras
import tensorflow as tf
from keras import layers, ops

from training.metrics.feature_base import RawFeatures
from zoo.networks.residual import ResidualFeatures

FILTERS = 16


class FeatureResidual(RawFeatures):
    """The zoo's residual network of 16 filters, and one logit per class.

    A call returns `(features [B, 128], logits [B, K])`, float32.

    Args:
        image_shape: (size, size, channels), size at least 8.
        num_classes: int, K.
    """

    def __init__(self, image_shape: tuple[int, ...], num_classes: int, *, name: str | None = None):
        super().__init__(image_shape, num_classes, name=name)
        self.residual = ResidualFeatures(self.image_shape, filters=FILTERS, dtype="float32")
        self.predictions = layers.Dense(num_classes)
        self.build_from_symbolic_inputs()

    def call(
        self, inputs: tf.Tensor, training: bool = False
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        features = ops.squeeze(self.residual(inputs, training=training), axis=(1, 2))
        return features, self.predictions(features)
