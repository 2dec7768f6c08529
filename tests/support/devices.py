"""Strategies over the logical CPU devices that stand for GPUs."""

import tensorflow as tf

from training.distribute import mirrored


def replicas(count: int) -> tf.distribute.Strategy:
    """The strategy over so many devices, the same one each time."""
    if count == 1:
        return tf.distribute.get_strategy()
    # As TensorFlow's own tests do: strategies of one process must not share collective keys.
    tf.distribute.MirroredStrategy._collective_key_base = 1000 * count
    return mirrored(tuple(f"CPU:{i}" for i in range(count)))
