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
    # Row by row outside of a graph, two thousand rows take a quarter of a minute.
    draw_all = _draw_all_in_graph if tf.executing_eagerly() else _draw_all
    return draw_all(tf.cast(seeds, tf.int64), dim, kind)


def _draw_all(seeds: tf.Tensor, dim: int, kind: str) -> tf.Tensor:
    def draw(seed: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([seed, tf.zeros_like(seed)])
        if kind == "normal":
            return tf.random.stateless_normal([dim], pair, alg="philox")
        return tf.random.stateless_uniform([dim], pair, minval=-1.0, maxval=1.0, alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([dim], tf.float32))


_draw_all_in_graph = tf.function(_draw_all, reduce_retracing=True)


def interpolate_latents(
    start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor, kind: str = "normal"
) -> tf.Tensor:
    """Computes latents on the way from one to another, staying where the prior has its mass.

    Normal latents go along the arc `(sin((1 - t) w) a + sin(t w) b) / sin(w)`, w the angle between
    a and b, since half way along the chord they would be too short by a factor of about 1.4.
    Uniform ones, and those with w near 0 or pi, go along the chord `(1 - t) a + t b`.

    Args:
        start: a, float32 tensor `[B, d]`, where t is 0.
        end: b, float32 tensor `[B, d]`, where t is 1.
        fraction: t, float32 tensor `[B]` in [0, 1].
        kind: `"normal"` or `"uniform"`.

    Returns:
        float32 tensor `[B, d]`.

    Source: the arc is that of White, arXiv 1609.04468.
    """
    t = tf.convert_to_tensor(fraction)[:, tf.newaxis]
    straight = (1.0 - t) * start + t * end
    if kind == "uniform":
        return straight
    cosine = tf.reduce_sum(
        tf.math.l2_normalize(start, axis=1) * tf.math.l2_normalize(end, axis=1), 1, keepdims=True
    )
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    curved = tf.math.divide_no_nan(
        tf.sin((1.0 - t) * angle) * start + tf.sin(t * angle) * end, sine
    )
    return tf.where(sine > 1e-3, curved, straight)
