"""Exponential moving average (EMA) of a network's weights, for evaluation and deployment."""

import keras
import tensorflow as tf

from zoo.options import StepOptions
from zoo.schedules import half_cosine


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
    _move(average, network, rate)


def update_scheduled_average(
    average: keras.Model,
    network: keras.Model,
    options: StepOptions,
    *,
    step: tf.Tensor,
    run_steps: int,
) -> None:
    """Updates the average in place by the options of a training step.

    Without a half-life this is `update_average`. With a half-life of h steps, d = 0.5^(1/h), at
    most `options.ema`. During the burn-in, h rises from 0, where d is 0.

    Args:
        average: the network with the averaged weights, from `clone`.
        network: the network in training.
        options: options of the step, with a decay `ema`.
        step: int64 scalar, the number of steps taken so far.
        run_steps: int, length of the run; the burn-in is a share of it.

    Source: the half-life with its burn-in follows training_loop.py of brownvc/R3GAN.
    """
    decay, half_life = options.ema or 0.0, options.ema_half_life
    if half_life is None:
        update_average(average, network, decay=decay, step=step)
        return
    now = tf.constant(half_life, tf.float32)
    if options.burn_in is not None:
        now = half_cosine(step, first=0.0, last=half_life, steps=options.burn_in_steps(run_steps))
    _move(average, network, 1.0 - tf.minimum(decay, 0.5 ** (1.0 / tf.maximum(now, 1e-8))))


def _move(average: keras.Model, network: keras.Model, rate: tf.Tensor) -> None:
    """Moves the average towards the network by a share of the distance."""
    trainable = {id(variable) for variable in network.trainable_variables}
    for target, source in zip(average.variables, network.variables, strict=True):
        if id(source) in trainable:
            target.assign(target + tf.cast(rate, target.dtype) * (source - target))
        else:
            target.assign(source)
