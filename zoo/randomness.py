"""Stateless noise: a value depends on (seed, stream, step, global sample index) and nothing else.

Keras' `SeedGenerator` draws the same numbers on every replica and its state is in no checkpoint.
Here there is no state at all, so a run resumes exactly, and a sample sees the same noise whatever
device it lands on. Philox is counter-based: row `i` of a draw starts `i` blocks into the stream,
so each replica makes only its own rows.
"""

import contextlib
import contextvars
import dataclasses
import math
import zlib
from collections.abc import Iterator, Sequence

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

    def _counter(self, blocks_per_row: int) -> tuple[tf.Tensor, tf.Tensor]:
        seed = tf.constant([self.seed, zlib.crc32(self.stream.encode())], tf.int64)
        seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(self.step, tf.int64))
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
        # An uneven last batch may leave a replica without rows; it then has no first row either.
        first_row = tf.reduce_sum(self.index[:1])
        offset = tf.cast(first_row * blocks_per_row, tf.uint64)
        return key, tf.stack([counter[0] + offset, counter[1]])

    def _shapes(self, shape: Sequence[int]) -> tuple[int, int, tf.Tensor]:
        size = math.prod(shape)
        blocks = -(-size // _VALUES_PER_BLOCK)
        return size, blocks, tf.stack([tf.size(self.index), blocks * _VALUES_PER_BLOCK])

    def normal(self, *shape: int) -> tf.Tensor:
        """Returns float32 `[b, *shape]` from N(0, 1)."""
        size, blocks, padded = self._shapes(shape)
        key, counter = self._counter(blocks)
        values = tf.raw_ops.StatelessRandomNormalV2(
            shape=padded, key=key, counter=counter, alg=_PHILOX, dtype=tf.float32
        )
        return tf.reshape(values[:, :size], [-1, *shape])

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """Returns float32 `[b, *shape]` from U[low, high)."""
        size, blocks, padded = self._shapes(shape)
        key, counter = self._counter(blocks)
        values = tf.raw_ops.StatelessRandomUniformV2(
            shape=padded, key=key, counter=counter, alg=_PHILOX, dtype=tf.float32
        )
        return low + (high - low) * tf.reshape(values[:, :size], [-1, *shape])

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


def current_noise() -> Noise | None:
    """Returns the noise of the innermost `Noise.scope`, None outside of any."""
    return _scope.get()
