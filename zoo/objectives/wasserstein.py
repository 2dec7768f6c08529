"""WGAN: the difference of mean scores. High = real.

All losses are per sample, float32, and minimised.

Source: Arjovsky et al., arXiv 1701.07875, equation 2 and algorithm 1.
"""

import tensorflow as tf
from keras import ops


def real_loss(scores: tf.Tensor) -> tf.Tensor:
    """Computes `-c`: the critic's loss on real images, and the generator's on fake ones.

    Args:
        scores: float tensor `[B]`, c.

    Returns:
        float32 tensor `[B]`.
    """
    return -ops.cast(scores, "float32")


def fake_loss(scores: tf.Tensor) -> tf.Tensor:
    """Computes `c`, the critic's loss on fake images.

    Args:
        scores: float tensor `[B]`, c.

    Returns:
        float32 tensor `[B]`.
    """
    return ops.cast(scores, "float32")
