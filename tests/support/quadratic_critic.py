"""A quadratic critic, for which penalties can be computed by hand."""

import keras
import numpy as np
import tensorflow as tf

from zoo.randomness import Noise


class Scale(keras.Model):
    """The critic `c(v) = a / 2 * |v|^2`, with gradient norm `a |v|` at v."""

    def __init__(self, shape, factor=1.0):
        super().__init__()
        self.image_shape = shape
        self.factor = self.add_weight((), keras.initializers.Constant(factor), name="factor")
        self.built = True

    def __call__(self, images):
        squares = tf.reduce_sum(tf.square(images), axis=list(range(1, images.shape.rank)))
        return 0.5 * self.factor.value * squares


def noise_of(rows, first=0, step=0):
    return Noise(0, step, tf.range(first, first + rows, dtype=tf.int64))


def rows_of_norm(*norms):
    """Returns images of 2 x 1 pixels and 2 channels with the given norms (3-4-5 triangles)."""
    unit = np.array([3.0, 0.0, 4.0, 0.0], "float32").reshape(2, 1, 2) / 5
    return tf.constant(np.stack([norm * unit for norm in norms]).astype("float32"))


def penalise(penalty, images, *, factor=1.0, fake=None):
    """Returns (mean of the terms, its derivative by `a`, result) for `c = a/2 |v|^2`."""
    critic = Scale(images.shape[1:], factor)
    penalty.prepare(critic)
    fake = images if fake is None else fake
    size = tf.constant(float(len(images)))
    with tf.GradientTape() as tape:
        result = penalty.terms(critic, images, fake, noise_of(len(images)), size)
        mean = tf.reduce_mean(result.terms["penalty"])
    return float(mean), float(tape.gradient(mean, critic.factor.value)), result
