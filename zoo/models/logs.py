"""Means of logged values, kept in variables that a compiled step can update."""

from collections.abc import Mapping

import keras
import tensorflow as tf

MAX_LOGGED = 64


class Logs(keras.metrics.Metric):
    """Means of named values since the last reset, in one variable.

    The values are already equal on all replicas, so their means are too.
    """

    def __init__(self) -> None:
        super().__init__(name="logs")
        self.names: list[str] = []
        self.sums = self.add_variable((MAX_LOGGED,), "zeros", name="sums")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Mapping[str, tf.Tensor]) -> None:
        self.names = list(values)
        row = tf.stack(list(values.values()))
        self.sums.assign(self.sums + tf.pad(row, [[0, MAX_LOGGED - len(values)]]))
        self.count.assign(self.count + 1.0)

    def result(self) -> dict[str, tf.Tensor]:
        means = tf.math.divide_no_nan(
            tf.convert_to_tensor(self.sums), tf.convert_to_tensor(self.count)
        )
        return {name: means[i] for i, name in enumerate(self.names)}
