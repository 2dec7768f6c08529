"""Latents from seeds: the same numbers in every command, in any batch, and in a served model."""

import operator

import numpy as np
import tensorflow as tf

SEED_LIMIT = 2**63


def as_seed(value: object, *, name: str = "seed", count: int = 1) -> int:
    """Checks a seed; returns it as a Python integer.

    This rule is the same in Python, on the command line and in a served model: a seed is one
    integer, from 0 to 2^63 - 1. Integers of Python, NumPy, TensorFlow and Keras are accepted, as
    numbers or as arrays without dimensions. Floats, booleans and strings are refused, so that no
    seed is silently rounded to another one.

    Args:
        value: the seed.
        name: the name of the argument or option, for the message.
        count: int, the number of consecutive seeds, all of which must be in the range.

    Returns:
        int, the seed.

    Raises:
        ValueError: any other value.

    Example:
    >>> as_seed(np.int32(7))
    7
    """
    seed = _as_integer(value)
    last = SEED_LIMIT - count
    if seed is None or not 0 <= seed <= last:
        of = "" if count == 1 else f" ({count} consecutive seeds)"
        shown = repr(value) if len(repr(value)) <= 100 else f"{repr(value)[:100]}..."
        raise ValueError(
            f"`{name}` must be an integer from 0 to 2**63 - {count}{of}, received {shown}."
        )
    return seed


def _as_integer(value: object) -> int | None:
    """Returns a scalar of any integer type as a Python integer; None for all other values."""
    if isinstance(value, bool | str | bytes):
        return None
    if isinstance(value, int):
        return operator.index(value)
    try:
        array = np.asarray(value)
    except Exception:  # Tensors of a graph, and objects of other libraries, raise many types.
        return None
    return int(array) if array.shape == () and array.dtype.kind in "iu" else None


def latents_from_seeds(seeds: tf.Tensor, dim: int, kind: str = "normal") -> tf.Tensor:
    """Draws one latent per seed.

    A row depends only on its seed, not on its position in the batch or on other rows. Philox gives
    the same numbers on CPU and GPU, and TF Serving can run the graph.

    Args:
        seeds: int64 tensor `[B]`, any values.
        dim: int, d, the latent's dimension.
        kind: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d).

    Returns:
        float32 tensor `[B, d]`.

    Raises:
        ValueError: any other `kind`.

    Example:
    >>> latents_from_seeds(tf.constant([7, 8], tf.int64), 100).shape
    TensorShape([2, 100])
    """
    if kind not in ("normal", "uniform"):
        raise ValueError(f"`kind` must be 'normal' or 'uniform', received kind={kind!r}.")
    # Without a graph, the loop over two thousand rows takes a quarter of a minute.
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
    """Interpolates between two latents: spherically for a normal prior, linearly for a uniform one.

    The spherical interpolation is `(sin((1 - t) w) a + sin(t w) b) / sin(w)`, with w the angle
    between a and b. The linear one is `(1 - t) a + t b`; at t = 1/2 it would shorten normal latents
    by a factor of about 1.4. It is also used for normal latents with w near 0 or pi.

    Args:
        start: a, float32 tensor `[B, d]`, the result at t = 0.
        end: b, float32 tensor `[B, d]`, the result at t = 1.
        fraction: t, float32 tensor `[B]` in [0, 1].
        kind: `"normal"` or `"uniform"`.

    Returns:
        float32 tensor `[B, d]`.

    Source: spherical interpolation of latents, White, arXiv 1609.04468.
    """
    t = tf.convert_to_tensor(fraction)[:, tf.newaxis]
    linear = (1.0 - t) * start + t * end
    if kind == "uniform":
        return linear
    cosine = tf.reduce_sum(
        tf.math.l2_normalize(start, axis=1) * tf.math.l2_normalize(end, axis=1), 1, keepdims=True
    )
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))
    sine = tf.sin(angle)
    spherical = tf.math.divide_no_nan(
        tf.sin((1.0 - t) * angle) * start + tf.sin(t * angle) * end, sine
    )
    return tf.where(sine > 1e-3, spherical, linear)
