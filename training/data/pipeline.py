"""The input pipeline of training: a pure function of the seed and the step.

Each stream is endless. Global batch `step * critic_steps + j` of a stream contains its positions
`p = (step * critic_steps + j) * batch_size + i` for `i` in `0 .. batch_size - 1`. Position `p` of
a stream of `n` rows is item `p % n` of epoch `p // n`. Each epoch is a permutation of the rows
that depends on the seed, the name of the stream and the epoch. A replica gets consecutive `i`. If
the number of replicas does not divide `batch_size`, each of the first replicas gets one more row.
A stream with `multiple` images per sample has the positions `p * multiple + k` in place of `p`, for
`k` in `0 .. multiple - 1`.

A run can therefore resume at any step without reading the steps before it, and gets the same
global batches on one replica and on many.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from training.data.augmentation import Augmentation
from training.data.image_data import Split
from training.data.shuffling import shuffled
from training.data.views import DRAWS, ONLY_WEAK, StrongView, views
from zoo.errors import UserError
from zoo.randomness import Noise


@dataclasses.dataclass(frozen=True, eq=False)
class Stream:
    """An endless source of images that is shuffled again in every epoch.

    Args:
        split: the source of the images.
        indices: `int64` rows of the split to use, `[n]`; `None` for all.
        with_labels: add labels to the batches. Labels of a stream without them are never read,
            so that hidden labels stay hidden.
        with_plain: add the images before augmentation to the batches.
        multiple: images for each sample of a batch, at least 1.
        strong_share: share of the images that are shown in the strong view, drawn for each image
            and step; the others are shown in the weak one.
    """

    split: Split
    indices: np.ndarray | None = None
    with_labels: bool = False
    with_plain: bool = False
    multiple: int = 1
    strong_share: float = 0.0

    def __len__(self) -> int:
        return len(self.split.images) if self.indices is None else len(self.indices)


def training_dataset(
    streams: Mapping[str, Stream],
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    critic_steps: int = 1,
    shift: int = 0,
    flip: bool = False,
    rotate: float = 0.0,
    zoom: float = 0.0,
    strong: StrongView = ONLY_WEAK,
    strategy: tf.distribute.Strategy,
) -> "tf.data.Dataset | tf.distribute.DistributedDataset":
    """Builds the batches of every training step from `first_step` on.

    Args:
        streams: the sources by name.
        batch_size: samples of a stream in one *global* batch, at least one for each replica. A
            sample is one image, or `multiple` images of the stream.
        seed: any integer; decides order and augmentation.
        first_step: number of the first training step, at least 0.
        critic_steps: batches of each stream that a training step uses, at least 1.
        shift: see `Augmentation`; so are `flip`, `rotate` and `zoom`.
        flip: see `Augmentation`.
        rotate: see `Augmentation`.
        zoom: see `Augmentation`.
        strong: the strong view of the streams with a `strong_share`.
        strategy: decides the number of replicas.

    Returns:
        An endless data set (a plain one under the default strategy) with one element for each
        replica and step: `{name: {"images": uint8 [critic_steps * b, H, W, C], "labels": int64
        [critic_steps * b]}, ..., "index": int64 [b]}`. `b` is the number of the replica's rows in
        a batch and `index` contains their `i`. The batches of a step are concatenated on axis 0.
        Only streams with labels have `"labels"`; only streams with plain images have `"plain"`.
        A stream has `multiple` times as many rows, those of a sample next to each other.

    Raises:
        UserError: if an argument is out of range, a stream is empty, or labels are missing.
    """
    augmentation = Augmentation(shift=shift, flip=flip, rotate=rotate, zoom=zoom)
    replicas = strategy.num_replicas_in_sync
    _check_streams(streams, augmentation, strong)
    _check_range("batch size", batch_size, replicas, f", one image for each of {replicas} replicas")
    _check_range("first step", first_step, 0)
    _check_range("number of critic steps", critic_steps, 1)
    tensors = _Tensors()
    sources = {name: _Source(seed, name, stream, tensors) for name, stream in streams.items()}
    batches = _Batches(sources, augmentation, strong, batch_size, critic_steps, replicas)

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = replicas // context.num_input_pipelines
        first_replica = context.input_pipeline_id * local
        elements = tf.data.Dataset.range(first_step * local, tf.int64.max).map(
            lambda count: batches.of(count // local, first_replica + count % local),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return elements.prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(pipeline)


def evaluation_batches(
    split: Split, *, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yields the images and labels of a split in order, in arrays of up to `batch_size` rows."""
    _check_range("batch size", batch_size, 1)
    for start in range(0, len(split), batch_size):
        rows = slice(start, start + batch_size)
        yield split.images[rows], None if split.labels is None else split.labels[rows]


class _Tensors:
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


class _Source:
    """Reads the rows at given positions of a stream, in graph code.

    Args:
        seed: the seed of the run.
        name: of the stream; with the seed it decides the stream's randomness.
        stream: the stream to read.
        tensors: the arrays as tensors, shared between streams.
    """

    def __init__(self, seed: int, name: str, stream: Stream, tensors: _Tensors) -> None:
        self.key = _key(seed, name)
        self.with_plain = stream.with_plain
        self.multiple = stream.multiple
        self.strong_share = stream.strong_share
        self._noise = functools.partial(Noise, seed, stream=f"/{name}/strong view")
        self._length = len(stream)
        self._indices = None if stream.indices is None else tensors(stream.indices)
        self._images = _image_reader(stream.split.images, tensors)
        labels = stream.split.labels if stream.with_labels else None
        self._labels = None if labels is None else tensors(labels)

    def rows_at(self, positions: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = shuffled(positions, self._length, self.key[:3])
        if self._indices is not None:
            rows = tf.gather(self._indices, rows)
        batch = {"images": self._images(rows)}
        if self._labels is not None:
            batch["labels"] = tf.gather(self._labels, rows)
        return batch

    def view_draws(self, numbers: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Draws what decides the strong views: uniform `[len(numbers) * len(index), DRAWS]`.

        Args:
            numbers: `int64` tensor, the numbers of the global batches.
            index: `int64` tensor, consecutive rows of each of them.
        """
        parts = [self._noise(number, index).uniform(DRAWS) for number in tf.unstack(numbers)]
        return tf.concat(parts, axis=0)


@dataclasses.dataclass(frozen=True)
class _Batches:
    """Builds one replica's part of the batches of a step, in graph code."""

    sources: Mapping[str, _Source]
    augmentation: Augmentation
    strong: StrongView
    batch_size: int
    critic_steps: int
    replicas: int

    def of(self, step: tf.Tensor, replica: tf.Tensor) -> dict[str, object]:
        index = _replica_rows(replica, self.batch_size, self.replicas)
        numbers = step * self.critic_steps + tf.range(self.critic_steps, dtype=tf.int64)
        result: dict[str, object] = {"index": index}
        for name, source in self.sources.items():
            result[name] = self._of_stream(source, step, numbers, _several(index, source.multiple))
        return result

    def _of_stream(
        self, source: _Source, step: tf.Tensor, numbers: tf.Tensor, index: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the rows `index` of the global batches `numbers` of one stream."""
        size = self.batch_size * source.multiple
        batch = source.rows_at(tf.reshape(numbers[:, tf.newaxis] * size + index, [-1]))
        if source.with_plain:
            batch["plain"] = batch["images"]
        batch["images"] = self.augmentation.apply(
            batch["images"], key=source.key, step=step, index=index, batch_size=size
        )
        if source.strong_share:
            batch["images"] = views(
                batch["images"],
                source.view_draws(numbers, index),
                strong=self.strong,
                share=source.strong_share,
            )
        return batch


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


def _image_reader(images: np.ndarray, tensors: _Tensors) -> Callable[[tf.Tensor], tf.Tensor]:
    if not isinstance(images, np.memmap):
        tensor = tensors(images)
        return lambda rows: tf.gather(tensor, rows)

    def read(rows: tf.Tensor) -> tf.Tensor:
        batch = tf.numpy_function(
            lambda chosen: np.asarray(images[chosen]), [rows], tf.uint8, stateful=False
        )
        return tf.ensure_shape(batch, [rows.shape[0], *images.shape[1:]])

    return read


def _check_streams(
    streams: Mapping[str, Stream], augmentation: Augmentation, strong: StrongView
) -> None:
    if not streams or "index" in streams:
        raise UserError(
            "At least one stream is needed, and none may be named 'index'; "
            f"got {', '.join(streams) or 'none'}."
        )
    for name, stream in streams.items():
        augmentation.check(stream.split.images.shape)
        strong.check(stream.split.images.shape)
        _check_range(f"number of images per sample of {name!r}", stream.multiple, 1)
        if not len(stream):
            raise UserError(f"The stream {name!r} has no images. Give it at least one.")
        if stream.with_labels and stream.split.labels is None:
            raise UserError(f"The stream {name!r} needs labels, but its data set has none.")
        rows, count = stream.indices, len(stream.split.images)
        if rows is None:
            continue
        if rows.dtype != np.int64 or rows.min() < 0 or rows.max() >= count:
            raise UserError(
                f"The rows of the stream {name!r} must be int64 values from 0 to {count - 1}; "
                f"got {rows.dtype} from {rows.min()} to {rows.max()}."
            )


def _check_range(what: str, value: int, least: int, why: str = "") -> None:
    if value < least:
        raise UserError(f"The {what} must be at least {least}{why}; got {value}.")
