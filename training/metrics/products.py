"""Products of large matrices for the metrics: on a GPU if there is one, else by NumPy's BLAS.

TensorFlow is imported at the first use, so that a command can set it up before.
"""

import functools
from typing import Any

import numpy as np


@functools.cache
def gpu() -> str | None:
    """Returns the name of the first GPU; None without GPUs."""
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    return gpus[0].name if gpus else None


def scatter(rows: np.ndarray) -> np.ndarray:
    """Returns `rows^T rows`, float64 `[d, d]`, with products and sums in the type of `rows`.

    Args:
        rows: float64 or float32 `[n, d]`.
    """
    if (device := gpu()) is not None:
        import tensorflow as tf

        with tf.device(device):
            values = tf.constant(rows, tf.float64)
            return tf.matmul(values, values, transpose_a=True).numpy()
    return np.asarray(rows.T @ rows, np.float64)


def resident(matrix: np.ndarray) -> Any:
    """Returns a float64 matrix in the memory of the device that computes products of it."""
    if (device := gpu()) is None:
        return matrix
    import tensorflow as tf

    with tf.device(device):
        return tf.constant(matrix, tf.float64)


def product(left: Any, right: Any) -> np.ndarray:
    """Returns `left right^T`, float64 `[n, m]`.

    Args:
        left: float64 `[n, d]`, an array or from `resident`.
        right: float64 `[m, d]`, the same.
    """
    if (device := gpu()) is not None:
        import tensorflow as tf

        with tf.device(device):
            return tf.matmul(left, right, transpose_b=True).numpy()
    return left @ right.T
