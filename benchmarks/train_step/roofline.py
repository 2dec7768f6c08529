"""`python -m benchmarks.train_step.roofline`: the machine's rate of matrix products, as JSON.

The best of several products of square matrices in TensorFlow, of side 2048, or 8192 on a GPU: `2 *
side^3` operations each. Float32 products use TF32 on a GPU, as in a step.
"""

import json
import sys
import time

import tensorflow as tf

ROUNDS = 12


def rate(dtype: tf.DType) -> float:
    """Returns operations a second."""
    size = 8192 if tf.config.list_physical_devices("GPU") else 2048
    left, right = (tf.cast(tf.random.normal([size, size]), dtype) for _ in range(2))
    product = tf.function(lambda: tf.reduce_sum(tf.cast(left @ right, tf.float32)))
    float(product())
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        float(product())
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def main() -> int:
    """Prints the rates."""
    print(json.dumps({dtype.name: rate(dtype) for dtype in (tf.float32, tf.bfloat16)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
