"""One latent a seed: the same numbers in every command, in any batch, and in a served model."""

import tensorflow as tf


def latents_from_seeds(seeds: tf.Tensor, dim: int, kind: str = "normal") -> tf.Tensor:
    """Draws each row's latent from that row's own seed.

    A row depends on its seed and on nothing else, not on its place in the batch nor on its
    neighbours. Philox gives the same numbers on CPU and GPU, and TF Serving can run the graph.

    Args:
        seeds: int64 tensor `[B]`, any values.
        dim: int, d, the latent's dimension.
        kind: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d).

    Returns:
        float32 tensor `[B, d]`.

    Raises:
        ValueError: `kind` is neither.

    Example:
    >>> latents_from_seeds(tf.constant([7, 8], tf.int64), 100).shape
    TensorShape([2, 100])
    """
    if kind not in ("normal", "uniform"):
        raise ValueError(f"`kind` must be 'normal' or 'uniform', received kind={kind!r}.")

    def draw(seed: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([seed, tf.zeros_like(seed)])
        if kind == "normal":
            return tf.random.stateless_normal([dim], pair, alg="philox")
        return tf.random.stateless_uniform([dim], pair, minval=-1.0, maxval=1.0, alg="philox")

    seeds = tf.cast(seeds, tf.int64)
    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([dim], tf.float32))


def interpolate_latents(
    first: tf.Tensor, last: tf.Tensor, weights: tf.Tensor, kind: str = "normal"
) -> tf.Tensor:
    """Computes latents on the way from one to another, staying where the prior has its mass.

    Normal latents go along the arc between them (`sin((1 - t) a) / sin(a) z_0 + sin(t a) / sin(a)
    z_1`, a their angle), since half way along the chord they would be too short by a factor of
    about 1.4; uniform ones along the chord.

    Args:
        first: float32 tensor `[d]`, where the weight is 0.
        last: float32 tensor `[d]`, where the weight is 1.
        weights: float32 tensor `[n]` in [0, 1].
        kind: `"normal"` or `"uniform"`.

    Returns:
        float32 tensor `[n, d]`.

    Source: the arc is that of White, arXiv 1609.04468.
    """
    t = tf.cast(weights, tf.float32)[:, tf.newaxis]
    cosine = tf.tensordot(first, last, 1) / (tf.norm(first) * tf.norm(last))
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    # Along no arc at all, or half a circle, sin(angle) is nothing to divide by.
    if kind == "uniform" or abs(float(tf.sin(angle))) < 1e-3:
        return (1.0 - t) * first + t * last
    return (tf.sin((1.0 - t) * angle) * first + tf.sin(t * angle) * last) / tf.sin(angle)
