"""A grouped convolution that runs on every device, with first and second derivatives."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

_MOST_PARTS = 16
"""More groups than this are computed by TensorFlow's own operation on CPUs too."""


@keras.saving.register_keras_serializable(package="zoo")
class GroupedConvolution(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` with `groups`, computed as one convolution per group on CPUs.

    TensorFlow has no gradient of a grouped convolution on CPUs in float16 or without oneDNN, and
    XLA's is many times slower there than that of single convolutions. On a machine with a GPU, and
    for more than 16 groups, this layer is the same as Keras' own.

    Arguments, weights and values are those of `keras.layers.Conv2D`.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        if self.groups > _MOST_PARTS or tf.config.get_visible_devices("GPU"):
            return super().convolution_op(inputs, kernel)
        pairs = zip(
            ops.split(inputs, self.groups, axis=-1),
            ops.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        parts = [ops.conv(x, part, self.strides, self.padding) for x, part in pairs]
        return ops.concatenate(parts, axis=-1)
