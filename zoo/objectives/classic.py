"""The original GAN: the score is the logit of "real".

All losses are per sample, float32, and minimised.

Source: Goodfellow et al., arXiv 1406.2661, section 3; the logit form is that of
soumith/dcgan.torch, main.lua (binary cross-entropy, labels 1 and 0, no smoothing).
"""

import tensorflow as tf
from keras import ops


def real_loss(scores: tf.Tensor) -> tf.Tensor:
    """Computes `-log sigmoid(c) = softplus(-c)`: small where c says "real".

    On real images it is the critic's loss, on fake ones the generator's non-saturating loss.

    Args:
        scores: float tensor `[B]`, c.

    Returns:
        float32 tensor `[B]`, non-negative.

    Example:
    >>> real_loss(tf.zeros(1)).numpy()  # log 2
    array([0.6931472], dtype=float32)
    """
    return ops.softplus(-ops.cast(scores, "float32"))


def fake_loss(scores: tf.Tensor) -> tf.Tensor:
    """Computes `-log(1 - sigmoid(c)) = softplus(c)`, the critic's loss on fake images.

    The generator's saturating (minimax) loss is its negative.

    Args:
        scores: float tensor `[B]`, c.

    Returns:
        float32 tensor `[B]`, non-negative.
    """
    return ops.softplus(ops.cast(scores, "float32"))
