"""The plan of a batch: the rows and the random numbers that decide its images, without pixels.

A plan has about a hundred bytes per image. The host makes plans in any case. The images of a plan
are made by the host too, or by the device (see `rendering`).
"""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from training.data.augmentation import Augmentation
from training.data.shuffling import shuffled
from training.data.stream import Stream
from training.data.views import DRAWS
from zoo.randomness import Noise

Plan = dict[str, tf.Tensor]
"""`rows`, `int64 [b]`, of the split; `labels`, `int64 [b]`, if the stream has them; the draws of
`Augmentation.draws`; `views`, `float32 [b, DRAWS]`, if images are shown in the strong view."""


class Tensors:
    """Converts arrays to tensors in the host's memory, each array once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[np.ndarray, tf.Tensor]] = {}

    def __call__(self, array: np.ndarray) -> tf.Tensor:
        if id(array) not in self._known:
            # tf.convert_to_tensor keeps two copies while its tensor lives, tf.identity one. The
            # images must not use the GPU's memory.
            with tf.device("CPU:0"):
                self._known[id(array)] = array, tf.identity(array)
        return self._known[id(array)][1]


class StreamPlan:
    """Makes the plans of a stream, in graph code.

    Args:
        seed: the seed of the run.
        name: of the stream; with the seed it decides the stream's randomness.
        stream: the stream.
        augmentation: the weak view.
        tensors: the arrays as tensors, shared between streams.
    """

    def __init__(
        self, seed: int, name: str, stream: Stream, augmentation: Augmentation, tensors: Tensors
    ) -> None:
        self.multiple = stream.multiple
        self._key = _key(seed, name)
        self._augmentation = augmentation
        self._strong_share = stream.strong_share
        self._noise = functools.partial(Noise, seed, stream=f"/{name}/strong view")
        self._length = len(stream)
        self._shape = stream.split.images.shape[1:]
        self._indices = None if stream.indices is None else tensors(stream.indices)
        labels = stream.split.labels if stream.with_labels else None
        self._labels = None if labels is None else tensors(labels)

    def of(self, *, step: tf.Tensor, numbers: tf.Tensor, index: tf.Tensor, batch_size: int) -> Plan:
        """Returns the plan of the rows `index` of the global batches `numbers`.

        Args:
            step: `int64` scalar, the training step.
            numbers: `int64` tensor, the numbers of the global batches of the step.
            index: `int64` tensor, consecutive rows of each of them.
            batch_size: number of rows in a global batch.
        """
        positions = tf.reshape(numbers[:, tf.newaxis] * batch_size + index, [-1])
        rows = shuffled(positions, self._length, self._key[:3])
        if self._indices is not None:
            rows = tf.gather(self._indices, rows)
        plan = {"rows": rows}
        if self._labels is not None:
            plan["labels"] = tf.gather(self._labels, rows)
        plan |= self._augmentation.draws(
            self._shape,
            key=self._key,
            step=step,
            index=index,
            batch_size=batch_size,
            batches=numbers.shape[0],
        )
        if self._strong_share:
            parts = [self._noise(number, index).uniform(DRAWS) for number in tf.unstack(numbers)]
            plan["views"] = tf.concat(parts, axis=0)
        return plan


@dataclasses.dataclass(frozen=True)
class BatchPlan:
    """Makes one replica's plans of the batches of a step, in graph code."""

    streams: Mapping[str, StreamPlan]
    batch_size: int
    critic_steps: int
    replicas: int

    def of(self, step: tf.Tensor, replica: tf.Tensor) -> dict[str, Any]:
        """Returns the plans by stream, and the `index` of the replica's rows in a batch."""
        index = _replica_rows(replica, self.batch_size, self.replicas)
        numbers = step * self.critic_steps + tf.range(self.critic_steps, dtype=tf.int64)
        element: dict[str, Any] = {"index": index}
        for name, stream in self.streams.items():
            element[name] = stream.of(
                step=step,
                numbers=numbers,
                index=_several(index, stream.multiple),
                batch_size=self.batch_size * stream.multiple,
            )
        return element


def _several(index: tf.Tensor, multiple: int) -> tf.Tensor:
    """Returns the rows of consecutive samples in a stream with `multiple` rows per sample."""
    if multiple == 1:
        return index
    rows = index[:, tf.newaxis] * multiple + tf.range(multiple, dtype=tf.int64)
    return tf.reshape(rows, [-1])


def _key(seed: int, name: str) -> np.ndarray:
    """Returns four 31-bit numbers that depend on the seed and the name of a stream."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.frombuffer(digest[:16], "<u4").astype(np.int64) & 0x7FFFFFFF


def _replica_rows(replica: tf.Tensor, batch_size: int, replicas: int) -> tf.Tensor:
    """Returns the consecutive `int64` indices of a replica's rows in the global batch."""
    size, extra = divmod(batch_size, replicas)
    start = replica * size + tf.minimum(replica, extra)
    if not extra:
        return start + tf.range(size, dtype=tf.int64)
    return start + tf.range(size + tf.cast(replica < extra, tf.int64), dtype=tf.int64)
