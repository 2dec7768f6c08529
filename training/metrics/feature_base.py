"""The base of the shipped feature networks, which take raw images of any size."""

import tensorflow as tf

from zoo.images import prepare
from zoo.networks.network import ImageNetwork, check_image_shape


class RawFeatures(ImageNetwork):
    """A float32 network that also takes uint8 images of any size.

    A call returns `(features [B, d], logits [B, K])`, float32.

    Args:
        image_shape: (height, width, channels) of the images that it was trained on.
        num_classes: int, K.
    """

    def __init__(self, image_shape: tuple[int, ...], num_classes: int, *, name: str | None = None):
        super().__init__(check_image_shape(image_shape), name=name, dtype="float32")
        self.num_classes = num_classes

    def from_raw(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes features and logits of uint8 images of any size, grey or colour."""
        return self(prepare(images, check_image_shape(self.image_shape)), training=False)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["dtype"]
        return {**config, "num_classes": self.num_classes}
