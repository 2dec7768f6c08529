"""Losses of unlabelled images as functions of a classifier's outputs.

a are logits `[n, K]` and p = softmax(a). The losses are float32 and minimised. Each function names
its source. `zoo/models/semi_supervised.py` makes them into terms with a weight.
"""

from collections.abc import Callable

import tensorflow as tf

from zoo.gradients import gather, input_gradient

FEATURE_SHARE = 0.1
"""Factor of the features in `consistency_distance`, from CT-GAN."""
_TINY = 1e-30


def probability_distance(logits: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Computes `mean_k (p_k - q_k)^2`, the distance of two predictions.

    Args:
        logits: float tensor `[n, K]`.
        others: float tensor `[n, K]`.

    Returns:
        float32 tensor `[n]`.

    Source: the consistency cost of Tarvainen and Valpola, arXiv 1703.01780.
    """
    difference = _softmax(logits) - _softmax(others)
    return tf.reduce_mean(tf.square(difference), axis=-1)


def consistency_distance(
    logits: tf.Tensor, features: tf.Tensor, other_logits: tf.Tensor, other_features: tf.Tensor
) -> tf.Tensor:
    """Computes `sum_k (p_k - q_k)^2 + 0.1 mean_j (f_j - h_j)^2`.

    The mean over the features makes the value independent of the width of the network.

    Args:
        logits: float tensor `[n, K]`, outputs of the first pass.
        features: float tensor `[n, d]`, f, the input of the last layer in the first pass.
        other_logits: float tensor `[n, K]`, outputs of the second pass.
        other_features: float tensor `[n, d]`, h, of the second pass.

    Returns:
        float32 tensor `[n]`.

    Source: Wei et al., CT-GAN, arXiv 1803.01541, equation 7, with margin M' = 0.
    """
    outputs = tf.square(_softmax(logits) - _softmax(other_logits))
    inner = tf.square(tf.cast(features, tf.float32) - tf.cast(other_features, tf.float32))
    return tf.reduce_sum(outputs, axis=-1) + FEATURE_SHARE * tf.reduce_mean(inner, axis=-1)


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """Computes `-sum_k p_k log p_k`.

    Args:
        logits: float tensor `[n, K]`.

    Returns:
        float32 tensor `[n]`, in [0, log K].

    Source: Grandvalet and Bengio, Semi-supervised learning by entropy minimization (2004).
    """
    return -tf.reduce_sum(_softmax(logits) * _log_softmax(logits), axis=-1)


def divergence(logits: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Computes `KL(p || q) = sum_k p_k (log p_k - log q_k)`.

    Args:
        logits: float tensor `[n, K]`, of p.
        others: float tensor `[n, K]`, of q.

    Returns:
        float32 tensor `[n]`, non-negative up to rounding.
    """
    difference = _log_softmax(logits) - _log_softmax(others)
    return tf.reduce_sum(_softmax(logits) * difference, axis=-1)


def class_imbalance(logits: tf.Tensor) -> tf.Tensor:
    """Computes `KL(m || u) = sum_k m_k log(K m_k)`, with m the mean of p over the global batch.

    It is 0 if the classes are predicted equally often on average.

    Args:
        logits: float tensor `[n, K]`, the rows of this replica.

    Returns:
        float32 scalar, equal on all replicas; its gradient reaches the rows of every replica.

    Source: the balance term of Springenberg, arXiv 1511.06390, equation 6, as a divergence.
    """
    mean = tf.reduce_mean(gather(_softmax(logits)), axis=0)
    classes = tf.cast(tf.size(mean), tf.float32)
    return tf.reduce_sum(mean * tf.math.log(tf.maximum(classes * mean, _TINY)))


def mean_feature_distance(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Computes `mean_j (E[f(x)]_j - E[f(g)]_j)^2`, with means over the global batch.

    Args:
        real: float tensor `[n, d]`, features of real images; no gradient flows through them.
        fake: float tensor `[m, d]`, features of generated images.

    Returns:
        float32 scalar, equal on all replicas.

    Source: feature matching of Salimans et al., arXiv 1606.03498, with a mean over the features.
    """
    real, fake = (tf.cast(features, tf.float32) for features in (real, fake))
    real_mean = tf.stop_gradient(tf.reduce_mean(gather(real), axis=0))
    return tf.reduce_mean(tf.square(real_mean - tf.reduce_mean(gather(fake), axis=0)))


def virtual_adversarial_direction(
    predict: Callable[[tf.Tensor], tf.Tensor],
    images: tf.Tensor,
    logits: tf.Tensor,
    start: tf.Tensor,
    *,
    step: float,
) -> tf.Tensor:
    """Computes the direction in which the prediction changes most, by one power iteration.

    It is the gradient of `KL(p(x) || p(x + step d))` at a random direction d.

    Args:
        predict: a function from images `[n, ...]` to logits `[n, K]`.
        images: float32 tensor `[n, ...]`, x.
        logits: float tensor `[n, K]`, the outputs for x.
        start: float32 tensor of the shape of x, d; its size does not matter.
        step: float > 0, xi, small; the root mean square of the change.

    Returns:
        float32 tensor of the shape of x, of root mean square 1 per image, or 0 if the prediction
        does not depend on the image. No gradient flows through it.

    Source: Miyato et al., arXiv 1704.03976, algorithm 1.
    """
    logits = tf.stop_gradient(logits)

    def change(points: tf.Tensor) -> tf.Tensor:
        return divergence(logits, predict(points)) / step

    return tf.stop_gradient(_unit(input_gradient(change, images + step * _unit(start))))


def _unit(direction: tf.Tensor) -> tf.Tensor:
    """Scales each row to a root mean square of 1; a row of zeros stays."""
    axes = list(range(1, direction.shape.rank))
    largest = tf.reduce_max(tf.abs(direction), axis=axes, keepdims=True)
    # First by the largest value, because the squares of a small gradient would round to 0.
    scaled = direction / tf.maximum(largest, _TINY)
    square = tf.reduce_mean(tf.square(scaled), axis=axes, keepdims=True)
    return scaled / tf.sqrt(tf.maximum(square, _TINY))


def aligned(probabilities: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Computes `q_k = (p_k / m_k) / sum_j (p_j / m_j)`, which makes rare predictions likelier.

    Args:
        probabilities: float32 tensor `[n, K]`, p.
        mean: float32 tensor `[K]`, m, the mean of p over many images.

    Returns:
        float32 tensor `[n, K]`, q.

    Source: distribution alignment of Berthelot et al., ReMixMatch, arXiv 1911.09785, for classes
    that are equally frequent.
    """
    quotients = probabilities / (mean + _TINY)
    return quotients / (tf.reduce_sum(quotients, axis=-1, keepdims=True) + _TINY)


def _softmax(logits: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(tf.cast(logits, tf.float32))


def _log_softmax(logits: tf.Tensor) -> tf.Tensor:
    return tf.nn.log_softmax(tf.cast(logits, tf.float32))
