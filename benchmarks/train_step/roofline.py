"""`python -m benchmarks.train_step.roofline`: the machine's rate of matrix products, as JSON.

The best of several products of 2048 x 2048 matrices in TensorFlow, `2 * 2048^3` operations each.
"""

import json
import sys
import time

import tensorflow as tf

SIZE = 2048
ROUNDS = 12


def rate(dtype: tf.DType) -> float:
    """Returns operations a second."""
    left, right = (tf.cast(tf.random.normal([SIZE, SIZE]), dtype) for _ in range(2))
    product = tf.function(lambda: tf.reduce_sum(tf.cast(left @ right, tf.float32)))
    float(product())
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        float(product())
        best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best


def main() -> int:
    """Prints the rates."""
    print(json.dumps({dtype.name: rate(dtype) for dtype in (tf.float32, tf.bfloat16)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
