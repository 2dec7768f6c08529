"""Stateless noise: a value depends on (seed, stream, step, global sample index) and nothing else.

Keras' `SeedGenerator` draws the same numbers on every replica and its state is in no checkpoint.
Here there is no state at all, so a run resumes exactly, and a sample sees the same noise whatever
device it lands on. Philox is counter-based: seed and stream are its key, the step is the upper word
of its counter, and row `i` starts `i` rows into the lower, so each replica makes only its own rows.
"""

import contextlib
import contextvars
import dataclasses
import hashlib
import math
from collections.abc import Iterator

import tensorflow as tf

_PHILOX = 1  # tf.random.Algorithm.PHILOX: the same numbers on CPU and GPU.
_VALUES_PER_BLOCK = 4
_scope: contextvars.ContextVar["Noise | None"] = contextvars.ContextVar("noise", default=None)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise for some rows of the global batch of one step.

    Args:
        seed: int, the run's seed.
        step: int64 scalar (tensor, variable or int), the training step.
        index: int64 tensor `[b]`, the rows' positions in the global batch; contiguous.
        stream: str, what the noise is for. Two streams are independent.

    Example:
    >>> noise = Noise(seed=0, step=7, index=tf.range(4, dtype="int64"))
    >>> noise.child("latent").normal(100).shape
    TensorShape([4, 100])
    """

    seed: int
    step: tf.Tensor | int
    index: tf.Tensor
    stream: str = ""

    def child(self, name: str) -> "Noise":
        """Returns the same rows' noise for another purpose, `name`."""
        return dataclasses.replace(self, stream=f"{self.stream}/{name}")

    def _key(self) -> tf.Tensor:
        digest = hashlib.sha256(f"{self.seed}{self.stream}".encode()).digest()
        return tf.constant([int.from_bytes(digest[:8])], tf.uint64)

    def _bits(self, per_row: int) -> tf.Tensor:
        """Draws uint32 `[b, n]`, n = `per_row` rounded up to whole blocks."""
        blocks = -(-per_row // _VALUES_PER_BLOCK)
        # An uneven last batch may leave a replica without rows; it then has no first row either.
        first_row = tf.reduce_sum(self.index[:1])
        counter = tf.cast(tf.stack([first_row * blocks, tf.cast(self.step, tf.int64)]), tf.uint64)
        shape = tf.stack([tf.size(self.index), blocks * _VALUES_PER_BLOCK])
        # Of TensorFlow's draws only whole integers are the same with XLA as without.
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=shape, key=self._key(), counter=counter, alg=_PHILOX, dtype=tf.uint32
        )

    def normal(self, *shape: int) -> tf.Tensor:
        """Returns float32 `[b, *shape]` from N(0, 1), by Box and Muller's transform."""
        size = math.prod(shape)
        half = -(-size // 2)
        # In float64, since a float32 logarithm differs in its last bit between the vectorised bulk
        # of an array and its tail, hence between a replica's part and the whole.
        values = tf.cast(_to_unit(self._bits(2 * half)), tf.float64)
        radius = tf.sqrt(-2.0 * tf.math.log(1.0 - values[:, :half]))
        angle = 2.0 * math.pi * values[:, half : 2 * half]
        both = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
        return tf.cast(tf.reshape(both[:, :size], [-1, *shape]), tf.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """Returns float32 `[b, *shape]` from U[low, high)."""
        size = math.prod(shape)
        values = _to_unit(self._bits(size)[:, :size])
        return low + (high - low) * tf.reshape(values, [-1, *shape])

    def classes(self, num_classes: int) -> tf.Tensor:
        """Returns int64 `[b]`, uniform over 0..num_classes-1."""
        return tf.cast(tf.floor(self.uniform() * num_classes), tf.int64)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Layers called inside (dropout) take their noise from here."""
        token = _scope.set(self)
        try:
            yield
        finally:
            _scope.reset(token)


def _to_unit(bits: tf.Tensor) -> tf.Tensor:
    """Turns uint32 into float32 in [0, 1): the upper 24 bits, all a float32 can tell apart."""
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def current_noise() -> Noise | None:
    """Returns the noise of the innermost `Noise.scope`, None outside of any."""
    return _scope.get()
