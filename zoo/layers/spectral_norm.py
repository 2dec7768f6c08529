"""Spectral normalisation that does not overwrite the raw kernels."""

import keras
import tensorflow as tf
from keras import ops

from zoo.layers.projection import LabelProjection

_EPSILON = 1e-12
_SMALLEST, _SMALLEST_HALF = 1e-10, 2.0**-14
"""A kernel whose entries are all smaller counts as zero; in float16, whose range ends there."""
_LOST = 1e-6
"""If the square of |W u| is smaller, for a largest entry of W in [1, 2), u is nearly orthogonal to
all rows of W."""


@keras.saving.register_keras_serializable(package="zoo")
class SpectralNormalization(keras.layers.Wrapper):
    """Applies a layer or a network with each kernel W divided by its largest singular value.

    `sigma(W) = v' W u`, with W as a matrix `[inputs, outputs]`. Each call computes u and v by one
    power iteration, and stores u in training only. The gradient flows through sigma, with u and v
    constant. The kernels are not overwritten, so optimizers, weight averages and checkpoints use
    the raw kernels; Keras' layer of the same name overwrites them.

    The result does not depend on the size of a kernel, down to entries of 1e-10 (6e-5 in float16).
    A smaller kernel counts as zero: it is not divided, and u is not updated. If W u is zero, the
    power iteration starts from the longest row of W instead of u.

    Args:
        layer: a layer or a network that contains dense, convolution or label projection kernels.

    Raises:
        ValueError: the layer has no such kernel.

    Source: Miyato et al., arXiv 1802.05957, algorithm 1.

    Example:
    >>> layer = SpectralNormalization(keras.layers.Dense(3))
    >>> layer(tf.ones((2, 5)), training=True).shape
    TensorShape([2, 3])
    """

    def __init__(self, layer: keras.layers.Layer, *, name: str | None = None):
        super().__init__(layer, name=name, dtype=layer.dtype_policy)
        self.directions: list[keras.Variable] = []
        if layer.built:
            self.build(None)

    def build(self, input_shape: tuple[int | None, ...] | None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
        if not self.kernels():
            raise ValueError(
                f"The layer {self.layer.name} has no kernel to normalise; expected a dense, "
                "convolution or label projection layer, or a network that contains one."
            )
        self.directions = [
            self.add_weight(
                (kernel.shape[-1],),
                "random_normal",
                dtype="float32",
                trainable=False,
                autocast=False,
                name=f"direction_{i}",
            )
            for i, kernel in enumerate(self.kernels())
        ]
        self.built = True

    def kernels(self) -> list[keras.Variable]:
        """Returns the raw kernels of the wrapped layers, before normalisation."""
        kinds = (
            keras.layers.Dense,
            keras.layers.Conv2D,
            keras.layers.Conv2DTranspose,
            LabelProjection,
        )
        layers = self.layer._flatten_layers()
        return [layer.kernel for layer in layers if isinstance(layer, kinds)]

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        normalised = []
        for kernel, direction in zip(self.kernels(), self.directions, strict=True):
            value, new_direction = _normalise(
                ops.convert_to_tensor(kernel.value), ops.convert_to_tensor(direction)
            )
            normalised.append((kernel, value))
            if training:
                direction.assign(new_direction)
        with keras.StatelessScope(state_mapping=normalised) as scope:
            outputs = self.layer(inputs, training=training)
        # The scope holds the updates of the wrapped layers' statistics; this applies them.
        for variable in self.layer.non_trainable_variables:
            updated = scope.get_current_value(variable)
            if updated is not None:
                variable.assign(updated)
        return outputs


def _normalise(kernel: tf.Tensor, direction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Divides a kernel by its largest singular value; returns (the quotient, new u)."""
    matrix = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
    constant = ops.stop_gradient(matrix)
    size = ops.max(ops.abs(constant))
    is_zero = size < (_SMALLEST_HALF if kernel.dtype == "float16" else _SMALLEST)
    left, right = _power_iteration(
        constant / ops.where(is_zero, 1.0, _power_of_two(size)), direction
    )
    sigma = ops.where(is_zero, 1.0, ops.sum(left * ops.matmul(matrix, right)))
    return kernel / ops.cast(sigma, kernel.dtype), ops.where(is_zero, direction, right)


def _power_of_two(size: tf.Tensor) -> tf.Tensor:
    """Returns the largest power of two up to `size`, a positive float32 scalar.

    A division by it is exact, so a kernel of usual size gives the same numbers with and without it.
    """
    exponent = tf.constant(0x7F800000, tf.int32)
    return tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(size, tf.int32), exponent), tf.float32)


def _power_iteration(matrix: tf.Tensor, direction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one power iteration from u; returns (v, new u). The largest entry of W is in [1, 2)."""
    product = ops.matmul(matrix, _unit(direction))
    longest = ops.take(matrix, ops.argmax(ops.sum(ops.square(matrix), axis=-1)), axis=0)
    is_lost = ops.sum(ops.square(product)) < _LOST
    left = _unit(ops.where(is_lost, ops.matmul(matrix, longest), product))
    return left, _unit(ops.matmul(ops.transpose(matrix), left))


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + _EPSILON)
