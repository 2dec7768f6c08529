"""Hinge GAN: the critic stops pushing a score once it is on its side of the margin of 1.

Source: Lim and Ye, arXiv 1705.02894. The generator's loss is WGAN's, `-c(g)`.
"""

import tensorflow as tf
from keras import ops


def margin_loss(scores: tf.Tensor, side: float) -> tf.Tensor:
    """Computes `max(0, 1 - side * c)` per sample, float32: side 1 for real images, -1 for fake."""
    return ops.relu(1.0 - side * ops.cast(scores, "float32"))
