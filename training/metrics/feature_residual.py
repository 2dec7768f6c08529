"""The residual feature network, for data sets that the small one does not learn well enough."""

import keras
import tensorflow as tf
from keras import layers, ops

from zoo.images import prepare
from zoo.networks.network import ImageNetwork, check_image_shape
from zoo.networks.residual import ResidualFeatures

FILTERS = 16


class FeatureResidual(ImageNetwork):
    """The zoo's residual network of 16 filters, and one logit per class.

    A call returns `(features [B, 128], logits [B, K])`, float32.

    Args:
        image_shape: (size, size, channels), size at least 8.
        num_classes: int, K.
    """

    def __init__(self, image_shape: tuple[int, ...], num_classes: int, *, name: str | None = None):
        super().__init__(check_image_shape(image_shape), name=name, dtype="float32")
        self.num_classes = num_classes
        self.residual = ResidualFeatures(self.image_shape, filters=FILTERS, dtype="float32")
        self.predictions = layers.Dense(num_classes)
        self.build_from_symbolic_inputs()

    def call(
        self, inputs: tf.Tensor, training: bool = False
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        features = ops.squeeze(self.residual(inputs, training=training), axis=(1, 2))
        return features, self.predictions(features)

    def from_raw(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes features and logits of uint8 images of any size, grey or colour."""
        return self(prepare(images, check_image_shape(self.image_shape)), training=False)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["dtype"]
        return {**config, "num_classes": self.num_classes}
