"""The time that the steps of a run wait for their batches."""

from typing import Any

import tensorflow as tf


class Waiting:
    """Adds up the time that a dataset's reader waits for elements.

    On several devices nothing is measured: each device fetches its elements in advance, so their
    reader is not the step. Nor with op determinism, which allows no clock in a dataset.

    Args:
        deterministic: whether op determinism is on.

    Attributes:
        is_measured: False if nothing is measured.

    Example:
    >>> waiting = Waiting()
    >>> for _ in waiting.measured(tf.data.Dataset.range(3)):
    ...     pass
    >>> waiting.is_measured, waiting.seconds() >= 0.0
    (True, True)
    """

    def __init__(self, *, deterministic: bool = False) -> None:
        self.is_measured = False
        self.deterministic = deterministic
        with tf.device("CPU:0"):
            self._total = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    def measured(self, dataset: Any) -> Any:
        """Returns a dataset with the same elements, whose reader is measured."""
        if self.deterministic or not isinstance(dataset, tf.data.Dataset):
            return dataset
        self.is_measured = True
        clock = tf.data.Dataset.counter().map(lambda _: tf.timestamp())

        def add(before: tf.Tensor, element: Any, after: tf.Tensor) -> Any:
            with tf.control_dependencies([self._total.assign_add(after - before)]):
                return tf.nest.map_structure(tf.identity, element)

        # A prefetch behind the clocks would measure itself instead of the reader.
        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False
        return tf.data.Dataset.zip((clock, dataset, clock)).map(add).with_options(options)

    def seconds(self) -> float:
        """Returns the seconds of all waits until now."""
        return float(self._total.numpy())
