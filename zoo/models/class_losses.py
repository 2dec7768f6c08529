"""Losses per class of a classifier's logits, supervised and semi-supervised: CLS-GAN.

`L(x, y)` is low where image x and class y belong together. All losses are per sample, float32,
and minimised.

Source: Qi, arXiv 1701.06264v3, section 6.
"""

import tensorflow as tf
from keras import ops


def class_losses(logits: tf.Tensor, *, extra_class: bool) -> tf.Tensor:
    """Computes the loss of every class, `L(x, l)`.

    Without the extra class `L(x, l) = lse(a) - a_l` with lse = log-sum-exp. With it an implicit
    class of logit 0 joins the normaliser: `L(x, l) = softplus(lse(a)) - a_l`.

    Args:
        logits: float tensor `[B, K]`, a.
        extra_class: bool, whether the implicit class of logit 0 is there (semi-supervised form).

    Returns:
        float32 tensor `[B, K]`, non-negative.

    Source: equations 17 and 18 of the paper.

    Example:
    >>> class_losses(tf.zeros((1, 3)), extra_class=True).numpy()  # log(1 + 3)
    array([[1.3862944, 1.3862944, 1.3862944]], dtype=float32)
    """
    logits = ops.cast(logits, "float32")
    normalizer = ops.logsumexp(logits, axis=-1, keepdims=True)
    if extra_class:
        normalizer = ops.softplus(normalizer)
    return normalizer - logits


def labelled_loss(losses: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Picks `L(x, y)` of the given class.

    Args:
        losses: float32 tensor `[B, K]` from `class_losses`.
        labels: int tensor `[B]`, y in 0..K-1.

    Returns:
        float32 tensor `[B]`.
    """
    return tf.gather(losses, labels, axis=1, batch_dims=1)


def unlabelled_loss(losses: tf.Tensor) -> tf.Tensor:
    """Computes `L_ul(x) = min_l L(x, l)`, the loss of an image whose class is not known.

    Args:
        losses: float32 tensor `[B, K]` from `class_losses`.

    Returns:
        float32 tensor `[B]`.

    Source: section 6.1 of the paper.
    """
    return ops.min(losses, axis=-1)
