"""Exponential moving average (EMA) of a network's weights, for evaluation and deployment."""

import keras
import tensorflow as tf


def clone(network: keras.Model) -> keras.Model:
    """Returns a frozen copy of a network with variables of its own.

    Args:
        network: a built model with a complete `get_config`.

    Returns:
        A model of the same class, configuration and weights, with `trainable=False`.
    """
    copy = type(network).from_config(network.get_config())
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy


def update_average(
    average: keras.Model, network: keras.Model, *, decay: float, step: tf.Tensor
) -> None:
    """Updates the average in place: `a <- d a + (1 - d) w` with d = min(decay, (1 + t) / (10 + t)).

    The ramp of d gives the initial weights little influence. Non-trainable variables, such as the
    statistics of batch norms, are copied without averaging.

    Args:
        average: the network with the averaged weights, from `clone`.
        network: the network in training.
        decay: float in [0, 1), the largest value of d.
        step: int64 scalar, t, the number of steps taken so far.

    Source: the average follows Karras et al., arXiv 1710.10196; the ramp is that of TensorFlow's
    `ExponentialMovingAverage`.
    """
    step = tf.cast(step, tf.float32)
    rate = 1.0 - tf.minimum(decay, (1.0 + step) / (10.0 + step))
    trainable = {id(variable) for variable in network.trainable_variables}
    for target, source in zip(average.variables, network.variables, strict=True):
        if id(source) in trainable:
            target.assign(target + tf.cast(rate, target.dtype) * (source - target))
        else:
            target.assign(source)
