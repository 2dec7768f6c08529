"""The small feature network: five convolutions."""

import keras
import tensorflow as tf
from keras import layers, ops

from training.metrics.feature_base import RawFeatures

FEATURES = 128
# Channels and stride of each 3x3 convolution.
CONVOLUTIONS = ((24, 1), (48, 2), (48, 1), (96, 2), (FEATURES, 1))


class FeatureCNN(RawFeatures):
    """Five 3x3 convolutions with batch norm and ReLU, global mean pooling, one logit per class.

    A call returns `(features [B, 128], logits [B, K])`, float32.

    Args:
        image_shape: (height, width, channels).
        num_classes: int, K.
    """

    def __init__(self, image_shape: tuple[int, ...], num_classes: int, *, name: str | None = None):
        super().__init__(image_shape, num_classes, name=name)
        self.convolutions = [
            layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)
            for filters, stride in CONVOLUTIONS
        ]
        self.norms = [layers.BatchNormalization(momentum=0.9) for _ in CONVOLUTIONS]
        self.predictions = layers.Dense(num_classes)
        self.build_from_symbolic_inputs()

    def call(
        self, inputs: tf.Tensor, training: bool = False
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        x = inputs
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = ops.relu(norm(convolution(x), training=training))
        features = ops.mean(x, axis=(1, 2))
        return features, self.predictions(features)
