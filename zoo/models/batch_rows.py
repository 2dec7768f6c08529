"""Rows of a step's data: those of one batch, and their positions in the global batch."""

from collections.abc import Mapping

import tensorflow as tf

from zoo.models.data_checks import in_range, with_labels
from zoo.models.examples import Examples


def global_index(rows: tf.Tensor) -> tf.Tensor:
    """Returns the positions of this replica's rows in the global batch, for data without them."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.range(rows, dtype=tf.int64)
    before = tf.range(context.num_replicas_in_sync) < context.replica_id_in_sync_group
    counts = context.all_gather(tf.reshape(rows, [1]), axis=0)
    first = tf.reduce_sum(tf.where(before, counts, 0))
    return tf.cast(first + tf.range(rows), tf.int64)


def batch_rows(
    stream: Mapping[str, tf.Tensor], k: int, rows: tf.Tensor, num_classes: int
) -> Examples:
    """Returns the k-th batch of a stream, with its labels and images checked.

    Args:
        stream: arrays whose first axis holds several batches, one after another.
        k: int, the number of the batch.
        rows: int32 scalar, rows of a batch.
        num_classes: int, number of classes; 0 for data without labels.
    """
    part = {name: values[k * rows : (k + 1) * rows] for name, values in stream.items()}
    plain = in_range(part["plain"]) if "plain" in part else None
    images, labels = with_labels(in_range(part["images"]), part.get("labels"), num_classes)
    return Examples(images, labels, plain=plain)
