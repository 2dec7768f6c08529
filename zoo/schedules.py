"""Values that move over the first part of a run, the burn-in."""

import math

import tensorflow as tf


def half_cosine(step: tf.Tensor | int, *, first: float, last: float, steps: int) -> tf.Tensor:
    """Computes a value that moves from `first` to `last` along half a cosine, and then stays.

    Args:
        step: integer scalar, the number of steps taken so far.
        first: float, the value at step 0.
        last: float, the value from step `steps` on.
        steps: int, at least 1, length of the burn-in.

    Returns:
        float32 scalar.

    Source: Huang et al., arXiv 2501.05441; training_loop.py of brownvc/R3GAN.

    Example:
    >>> [round(float(half_cosine(step, first=4.0, last=2.0, steps=2)), 5) for step in (0, 1, 2, 9)]
    [4.0, 3.0, 2.0, 2.0]
    """
    progress = tf.minimum(tf.cast(step, tf.float32) / steps, 1.0)
    return first + (last - first) * 0.5 * (1.0 - tf.cos(math.pi * progress))
