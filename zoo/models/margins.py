"""Margins between real and fake images, and costs of loss differences: LS-GAN and GLS-GAN.

The critic's score is a loss: low = real. All values are per sample, float32.

Source: Qi, arXiv 1701.06264v3.
"""

import tensorflow as tf
from keras import ops

MARGIN_SCALE = 2.4576
"""0.0002 x 64 x 64 x 3 = 0.0008 x 32 x 32 x 3: both settings of guojunq/lsgan, per mean pixel."""

DISTANCES = ("l1", "l2")


def margin(
    real: tf.Tensor, fake: tf.Tensor, *, scale: float = MARGIN_SCALE, distance: str = "l1"
) -> tf.Tensor:
    """Computes `Delta(x_i, g_i)`, the distance of a pair per pixel and channel.

    `scale * mean |x - g|` for `"l1"`, `scale * sqrt(mean (x - g)^2)` for `"l2"`. A constant of the
    critic's step: no gradient flows through it.

    Args:
        real: float tensor `[B, ...]`, x in [-1, 1].
        fake: float tensor of the same shape, g in [-1, 1]; x_i is paired with g_i.
        scale: float >= 0.
        distance: `"l1"` or `"l2"`.

    Returns:
        float32 tensor `[B]`, in [0, 2 * scale].

    Source: section 7.2 of the paper (pixel-wise L1); lsgan.lua and clsgan.lua of guojunq/lsgan,
    whose sum over pixels is here a mean, so that the scale does not depend on the resolution.
    """
    difference = ops.cast(real, "float32") - ops.cast(fake, "float32")
    axes = list(range(1, len(difference.shape)))
    if distance == "l1":
        value = ops.mean(ops.abs(difference), axis=axes)
    elif distance == "l2":
        value = ops.sqrt(ops.mean(ops.square(difference), axis=axes))
    else:
        raise ValueError(f"`distance` must be one of {DISTANCES}, received {distance!r}.")
    return tf.stop_gradient(scale * value)


def pairwise_margin(
    real: tf.Tensor, fake: tf.Tensor, *, scale: float = MARGIN_SCALE, distance: str = "l1"
) -> tf.Tensor:
    """Computes `Delta(x_i, g_j)` of all pairs, a row at a time to spare memory.

    Args:
        real: float tensor `[b, ...]`, x in [-1, 1].
        fake: float tensor `[B, ...]`, g in [-1, 1].
        scale: float >= 0.
        distance: `"l1"` or `"l2"`.

    Returns:
        float32 tensor `[b, B]`.

    Source: equation 8 of the paper.
    """
    # A replica may have no rows, for which `map_fn` fails: it computes a row of zeros and drops it.
    rows = tf.shape(real)[0]
    missing = [[0, 1 - tf.minimum(rows, 1)]] + [[0, 0]] * (real.shape.rank - 1)
    distances = tf.map_fn(
        lambda image: margin(image[None], fake, scale=scale, distance=distance),
        tf.pad(real, missing),
        fn_output_signature=tf.TensorSpec([None], tf.float32),
    )
    return distances[:rows]


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
        margin: float32 tensor `[B]`, Delta; or of any shape, for all pairs.
        real_loss: float tensor `[B]`, L(x), or one that broadcasts.
        fake_loss: float tensor `[B]`, L(g), or one that broadcasts.

    Returns:
        float32 tensor of the broadcast shape.
    """
    return margin + ops.cast(real_loss, "float32") - ops.cast(fake_loss, "float32")


def leaky_cost(argument: tf.Tensor, slope: float) -> tf.Tensor:
    """Computes `C_nu(a) = max(a, nu a)`: slope 1 for a > 0, nu for a <= 0.

    nu = 0 is LS-GAN's hinge, nu = 1 the identity (WGAN's loss and a constant), nu = -1 is `|a|`.

    Args:
        argument: float32 tensor of any shape, a = Delta + L(x) - L(g), pair by pair: neither a
            single score nor a mean over the batch.
        slope: float <= 1, nu.

    Returns:
        float32 tensor of the same shape.

    Raises:
        ValueError: nu > 1, where C(a) >= a fails.

    Source: README of guojunq/glsgan; conditions C(a) >= a and C(a) = a for a >= 0.

    Example:
    >>> leaky_cost(tf.constant([2.0, -2.0]), 0.5).numpy()
    array([ 2., -1.], dtype=float32)
    """
    if not slope <= 1:
        raise ValueError(
            f"The slope nu of GLS-GAN's cost must be at most 1, received {slope}: a cost must "
            "satisfy C(a) >= a."
        )
    return ops.where(argument > 0, argument, slope * argument)


def elu_cost(argument: tf.Tensor) -> tf.Tensor:
    """Computes `C(a) = a` for a > 0 and `exp(a) - 1` otherwise, which meets both conditions.

    Args:
        argument: float32 tensor of any shape, a = Delta + L(x) - L(g).

    Returns:
        float32 tensor of the same shape.
    """
    return ops.elu(argument)
