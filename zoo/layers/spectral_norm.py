"""Spectral normalisation that does not overwrite the raw kernels."""

import keras
import tensorflow as tf
from keras import ops

from zoo.layers.projection import LabelProjection

_EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="zoo")
class SpectralNormalization(keras.layers.Wrapper):
    """Applies a layer or a network with each kernel W divided by its largest singular value.

    `sigma(W) = v' W u`, with W as a matrix `[inputs, outputs]`. Each call computes u and v by one
    power iteration, and stores u in training only. The gradient flows through sigma, with u and v
    constant. The kernels are not overwritten, so optimizers, weight averages and checkpoints use
    the raw kernels; Keras' layer of the same name overwrites them.

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
            value = ops.convert_to_tensor(kernel.value)
            sigma, new_direction = _power_iteration(value, ops.convert_to_tensor(direction))
            normalised.append((kernel, value / ops.cast(sigma, value.dtype)))
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


def _power_iteration(kernel: tf.Tensor, direction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one power iteration from u; returns (sigma, new u)."""
    matrix = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
    constant = ops.stop_gradient(matrix)
    left = _unit(ops.matmul(constant, _unit(direction)))
    right = _unit(ops.matmul(ops.transpose(constant), left))
    sigma = ops.sum(left * ops.matmul(matrix, right))
    return ops.maximum(sigma, _EPSILON), right


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + _EPSILON)
