"""Small data sets and networks whose scores can be calculated by hand."""

import keras
import numpy as np
import tensorflow as tf

from training.data.image_data import ImageData, Split
from zoo.networks.network import Generator
from zoo.tasks import ImageGenerator


@keras.saving.register_keras_serializable(package="tests")
class LinearGenerator(Generator):
    """A generator `G(z) = W z (+ W_y for class y)` of images with h x h pixels."""

    def __init__(self, kernel: np.ndarray, *, num_classes: int = 0, latent: str = "normal"):
        pixels, latent_dim = kernel.shape
        side = int(pixels**0.5)
        super().__init__(
            (side, side, 1),
            latent_dim=latent_dim,
            latent=latent,
            num_classes=num_classes,
            name=None,
            dtype="float32",
        )
        self.kernel = self.add_weight(kernel.shape, name="kernel", trainable=False)
        self.kernel.assign(kernel)
        self.shifts = self.add_weight((max(num_classes, 1), pixels), "zeros", name="shifts")
        self.build_from_symbolic_inputs()

    def call(self, inputs, training=False):
        latent = inputs["latent"] if self.num_classes else inputs
        flat = tf.matmul(latent, self.kernel.value, transpose_b=True)
        if self.num_classes:
            flat = flat + tf.gather(self.shifts.value, inputs["label"])
        return keras.ops.reshape(flat, (-1, *self.image_shape))


def linear_generator(*, side: int = 4, dim: int = 3, num_classes: int = 0) -> ImageGenerator:
    """Returns a generator with a fixed random kernel and images well inside [-1, 1]."""
    kernel = np.random.default_rng(0).normal(size=(side * side, dim)).astype("float32") / 8
    return ImageGenerator(LinearGenerator(kernel, num_classes=num_classes))


def noise_data(*, side: int = 8, count: int = 60, classes: int = 2) -> ImageData:
    """Returns grey noise images with labels 0, 1, ..., 0, 1, ..."""
    random = np.random.default_rng(1)

    def split(size: int) -> Split:
        images = random.integers(0, 256, (size, side, side, 1), dtype=np.uint8)
        return Split(images, np.arange(size, dtype=np.int64) % classes if classes else None)

    names = tuple(map(str, range(classes)))
    return ImageData("noise", split(count), split(20), split(count), names)
