"""LSGAN: least squares towards a target for fake (a), real (b) and what G wants (c).

All losses are per sample, float32, and minimised. The score is linear: no sigmoid.

Source: Mao et al., arXiv 1611.04076, equation 2; the schemes are its equations 8 and 9.
"""

import tensorflow as tf
from keras import ops

SCHEMES = {"pearson": (-1.0, 1.0, 0.0), "binary": (0.0, 1.0, 1.0)}
"""(a, b, c) by name: `pearson` has b - c = 1 and b - a = 2; `binary` is the 0-1 coding."""


def squared_distance(scores: tf.Tensor, target: float) -> tf.Tensor:
    """Computes `1/2 (D(v) - target)^2`.

    With target b on real and a on fake images this is the critic's loss; with c on fake images the
    generator's. A value per sample, never a sum over the batch.

    Args:
        scores: float tensor `[B]`, D(v).
        target: float, a, b or c.

    Returns:
        float32 tensor `[B]`.

    Example:
    >>> squared_distance(tf.constant([0.0, 3.0]), 1.0).numpy()
    array([0.5, 2. ], dtype=float32)
    """
    return 0.5 * ops.square(ops.cast(scores, "float32") - target)
