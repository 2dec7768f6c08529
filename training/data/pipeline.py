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

from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from training.data.augmentation import Augmentation
from training.data.image_data import Split
from training.data.plans import BatchPlan, StreamPlan, Tensors
from training.data.rendering import host_source
from training.data.stream import Stream, check_range, check_streams
from training.data.views import ONLY_WEAK, StrongView


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
        A stream has `multiple` times as many rows, those of a sample next to each other. A stream
        with images on the devices has a `plans.Plan` in place of its batch.

    Raises:
        UserError: if an argument is out of range, a stream is empty, or labels are missing.
    """
    augmentation = Augmentation(shift=shift, flip=flip, rotate=rotate, zoom=zoom)
    replicas = strategy.num_replicas_in_sync
    check_streams(streams, augmentation, strong)
    check_range("batch size", batch_size, replicas, f", one image for each of {replicas} replicas")
    check_range("first step", first_step, 0)
    check_range("number of critic steps", critic_steps, 1)
    tensors = Tensors()
    plans = BatchPlan(
        {name: StreamPlan(seed, name, one, augmentation, tensors) for name, one in streams.items()},
        batch_size,
        critic_steps,
        replicas,
    )
    images_of = host_source(streams, augmentation, strong, tensors)

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = replicas // context.num_input_pipelines
        first_replica = context.input_pipeline_id * local
        elements = tf.data.Dataset.range(first_step * local, tf.int64.max).map(
            lambda count: images_of(plans.of(count // local, first_replica + count % local)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return elements.prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(pipeline)


def evaluation_batches(
    split: Split, *, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yields the images and labels of a split in order, in arrays of up to `batch_size` rows."""
    check_range("batch size", batch_size, 1)
    for start in range(0, len(split), batch_size):
        rows = slice(start, start + batch_size)
        yield split.images[rows], None if split.labels is None else split.labels[rows]
