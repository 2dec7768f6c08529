"""The running average of a network's weights, which is what one evaluates and ships."""

import keras
import tensorflow as tf


def clone(network: keras.Model) -> keras.Model:
    """Returns a network of the same configuration and weights, sharing no variable."""
    twin = type(network).from_config(network.get_config())
    twin.set_weights(network.get_weights())
    twin.trainable = False
    return twin


def update_average(
    average: keras.Model, network: keras.Model, *, decay: float, step: tf.Tensor
) -> None:
    """Moves the average: `a <- d a + (1 - d) w`; statistics are copied as they are.

    `d = min(decay, (1 + step) / (10 + step))`, so that the first weights are soon forgotten.

    Args:
        average: the network that holds the average, made by `clone`.
        network: the network in training.
        decay: float in [0, 1).
        step: int64 scalar, how many steps have been taken.

    Source: averaging of the generator as in Karras et al. (arXiv 1710.10196); the ramp is that of
    TensorFlow's `ExponentialMovingAverage`.
    """
    step = tf.cast(step, tf.float32)
    rate = 1.0 - tf.minimum(decay, (1.0 + step) / (10.0 + step))
    trainable = {id(variable) for variable in network.trainable_variables}
    for target, source in zip(average.variables, network.variables, strict=True):
        if id(source) in trainable:
            target.assign(target + tf.cast(rate, target.dtype) * (source - target))
        else:
            target.assign(source)
