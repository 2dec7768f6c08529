"""Stateless noise: each value depends only on (seed, stream, step, global sample index).

Keras' `SeedGenerator` draws the same numbers on every replica, and checkpoints do not contain its
state. This module has no state, so a run resumes exactly, and a sample gets the same noise on any
device. Philox is a counter-based generator. Seed and stream form its key, the step is the upper
word of its counter, and the row index determines the lower word. Thus each replica draws only its
own rows.
"""

import contextlib
import contextvars
import dataclasses
import hashlib
import math
from collections.abc import Iterator

import tensorflow as tf

_PHILOX = 1  # tf.random.Algorithm.PHILOX, which gives the same numbers on CPU and GPU.
_VALUES_PER_BLOCK = 4
_scope: contextvars.ContextVar["Noise | None"] = contextvars.ContextVar("noise", default=None)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise for some rows of the global batch in one step.

    Args:
        seed: int, the run's seed.
        step: int64 scalar (tensor, variable or int), the training step.
        index: int64 tensor `[b]`, the rows' positions in the global batch, contiguous.
        stream: str, the purpose of the noise. Different streams are independent.

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
        """Returns noise for the same rows in the sub-stream `name`."""
        return dataclasses.replace(self, stream=f"{self.stream}/{name}")

    def _key(self) -> tf.Tensor:
        digest = hashlib.sha256(f"{self.seed}{self.stream}".encode()).digest()
        return tf.constant([int.from_bytes(digest[:8])], tf.uint64)

    def _bits(self, per_row: int) -> tf.Tensor:
        """Draws uint32 `[b, n]`, n = `per_row` rounded up to whole blocks."""
        blocks = -(-per_row // _VALUES_PER_BLOCK)
        # In an uneven last batch a replica may have no rows, hence no `index[0]`.
        first_row = tf.reduce_sum(self.index[:1])
        counter = tf.cast(tf.stack([first_row * blocks, tf.cast(self.step, tf.int64)]), tf.uint64)
        shape = tf.stack([tf.size(self.index), blocks * _VALUES_PER_BLOCK])
        # Only TensorFlow's full-range integers are the same with and without XLA.
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=shape, key=self._key(), counter=counter, alg=_PHILOX, dtype=tf.uint32
        )

    def normal(self, *shape: int) -> tf.Tensor:
        """Draws float32 `[b, *shape]` from N(0, 1), with the Box-Muller transform."""
        size = math.prod(shape)
        half = -(-size // 2)
        # float64, because the last bit of a float32 logarithm differs between the vectorised part
        # of an array and its tail, hence between a replica's rows and the whole batch.
        values = tf.cast(_to_unit(self._bits(2 * half)), tf.float64)
        radius = tf.sqrt(-2.0 * tf.math.log(1.0 - values[:, :half]))
        angle = 2.0 * math.pi * values[:, half : 2 * half]
        both = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
        return tf.cast(tf.reshape(both[:, :size], [-1, *shape]), tf.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """Draws float32 `[b, *shape]` from U[low, high)."""
        size = math.prod(shape)
        values = _to_unit(self._bits(size)[:, :size])
        return low + (high - low) * tf.reshape(values, [-1, *shape])

    def latents(self, prior: str, dim: int) -> tf.Tensor:
        """Draws float32 `[b, dim]` from the prior `"normal"`, N(0, I), or `"uniform"`, U[-1, 1)."""
        return self.uniform(dim, low=-1.0) if prior == "uniform" else self.normal(dim)

    def classes(self, num_classes: int) -> tf.Tensor:
        """Draws int64 `[b]`, uniform over 0..num_classes-1."""
        return tf.cast(tf.floor(self.uniform() * num_classes), tf.int64)

    def several(self, count: int) -> "Noise":
        """Returns noise of `count` rows for each row, whatever replica it is on."""
        rows = tf.cast(count * tf.size(self.index), tf.int64)
        first = count * tf.reduce_sum(self.index[:1])
        return dataclasses.replace(self, index=first + tf.range(rows, dtype=tf.int64))

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Context in which layers such as `StatelessDropout` use this noise."""
        token = _scope.set(self)
        try:
            yield
        finally:
            _scope.reset(token)


def _to_unit(bits: tf.Tensor) -> tf.Tensor:
    """Converts uint32 to float32 in [0, 1), with the upper 24 bits (a float32 has no more)."""
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def current_noise() -> Noise | None:
    """Returns the noise of the innermost `Noise.scope`, or None outside a scope."""
    return _scope.get()
