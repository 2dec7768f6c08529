"""LS-GAN: the margin between a real and a fake image, and the hinge on their difference.

The critic's score is a loss: low = real. All values are per sample, float32.

Source: Qi, arXiv 1701.06264v3.
"""

import tensorflow as tf
from keras import ops

MARGIN_SCALE = 2.4576
"""0.0002 x 64 x 64 x 3 = 0.0008 x 32 x 32 x 3: both settings of guojunq/lsgan, per mean pixel."""


def margin(real: tf.Tensor, fake: tf.Tensor, *, scale: float = MARGIN_SCALE) -> tf.Tensor:
    """Computes `Delta(x_i, g_i) = scale * mean |x_i - g_i|` over pixels and channels.

    A constant of the critic's step: no gradient flows through it.

    Args:
        real: float tensor `[B, ...]`, x in [-1, 1].
        fake: float tensor of the same shape, g in [-1, 1]; x_i is paired with g_i.
        scale: float >= 0.

    Returns:
        float32 tensor `[B]`, in [0, 2 * scale].

    Source: section 7.2 of the paper (pixel-wise L1); lsgan.lua and clsgan.lua of guojunq/lsgan,
    whose sum over pixels is here a mean, so that the scale does not depend on the resolution.
    """
    difference = ops.abs(ops.cast(real, "float32") - ops.cast(fake, "float32"))
    axes = list(range(1, len(difference.shape)))
    return tf.stop_gradient(scale * ops.mean(difference, axis=axes))


def hinge(margin: tf.Tensor, real_loss: tf.Tensor, fake_loss: tf.Tensor) -> tf.Tensor:
    """Computes `(Delta(x, g) + L(x) - L(g))_+`.

    Args:
        margin: float32 tensor `[B]`, Delta.
        real_loss: float tensor `[B]`, L(x).
        fake_loss: float tensor `[B]`, L(g).

    Returns:
        float32 tensor `[B]`, non-negative.

    Source: equation 6 of the paper.
    """
    return ops.relu(hinge_argument(margin, real_loss, fake_loss))


def hinge_argument(margin: tf.Tensor, real_loss: tf.Tensor, fake_loss: tf.Tensor) -> tf.Tensor:
    """Computes `Delta(x, g) + L(x) - L(g)`; where it is positive, the hinge is active.

    Args:
        margin: float32 tensor `[B]`, Delta.
        real_loss: float tensor `[B]`, L(x).
        fake_loss: float tensor `[B]`, L(g).

    Returns:
        float32 tensor `[B]`.
    """
    return margin + ops.cast(real_loss, "float32") - ops.cast(fake_loss, "float32")
