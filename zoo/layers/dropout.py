"""Dropout with masks that depend on the sample and not on the device."""

import keras
import tensorflow as tf

from zoo.options import Share, checked
from zoo.randomness import current_noise


@keras.saving.register_keras_serializable(package="zoo")
class StatelessDropout(keras.layers.Layer):
    """Dropout: `y = x * mask / (1 - rate)` with `mask ~ Bernoulli(1 - rate)`, in training only.

    Inside a `zoo.randomness.Noise.scope` the mask depends on (seed, stream, step, global sample
    index), so one replica and several replicas draw the same masks. The layer's name is part of the
    stream, so each layer needs a name of its own. Outside a scope, for example in `fit` of a
    deployed classifier, the mask comes from TensorFlow's stateful generator, as in Keras' layer.

    Args:
        rate: float in [0, 1), the fraction of values that are set to zero.

    Inputs: float `[B, ...]`. Output: the same shape and dtype.

    Raises:
        ValueError: `rate` is outside its range.

    Source: Srivastava et al., JMLR 15 (2014).
    """

    @checked
    def __init__(self, rate: Share, *, name: str | None = None, dtype: object = None):
        super().__init__(name=name, dtype=dtype)
        self.rate = rate

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training or self.rate == 0.0:
            return x
        noise = current_noise()
        if noise is None:
            uniform = tf.random.uniform(tf.shape(x))
        else:
            uniform = noise.child(self.name).uniform(*x.shape[1:])
        mask = tf.cast(uniform >= self.rate, x.dtype)
        return x * mask / tf.cast(1.0 - self.rate, x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate}
