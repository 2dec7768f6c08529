"""Batch normalisation with a learned scale and offset per class."""

import keras
from keras import ops

from zoo.options import NotNegativeCount, Positive, Share, checked


@keras.saving.register_keras_serializable(package="zoo")
class ConditionalBatchNormalization(keras.layers.Layer):
    """`gamma_y (x - mean) / sqrt(variance + epsilon) + beta_y`: the label selects gamma and beta.

    In training, mean and variance are taken over the global batch and all classes. In inference
    they are moving averages, as in Keras' own layer.

    Args:
        num_classes: int, K, at least 1.
        momentum: float in [0, 1), decay of the moving statistics.
        epsilon: float > 0, added to the variance.
        gamma_initializer: initialiser of the scales `[K, channels]`; the offsets start at 0.

    Inputs: float `[B, ..., channels]` and int labels `[B]` in 0..K-1. Output: the first shape.

    Raises:
        ValueError: `num_classes` is below 1.

    Source: the generator of Miyato and Koyama, arXiv 1802.05637.

    Example:
    >>> layer = ConditionalBatchNormalization(10)
    >>> layer(keras.ops.ones((2, 4, 4, 3)), keras.ops.array([0, 7]), training=True).shape
    TensorShape([2, 4, 4, 3])
    """

    @checked
    def __init__(
        self,
        num_classes: NotNegativeCount,
        *,
        momentum: Share = 0.9,
        epsilon: Positive = 1e-5,
        gamma_initializer: str | keras.initializers.Initializer = "ones",
        name: str | None = None,
        dtype: object = None,
    ):
        if num_classes < 1:
            raise ValueError(
                "Conditional batch normalisation needs classes: `num_classes` must be at least 1, "
                f"received {num_classes}."
            )
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.statistics = keras.layers.BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            center=False,
            scale=False,
            synchronized=True,
            name="statistics",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.num_classes, input_shape[-1])
        self.statistics.build(input_shape)
        self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        self.beta = self.add_weight(shape, "zeros", name="beta")
        self.built = True

    def call(
        self, x: keras.KerasTensor, label: keras.KerasTensor, training: bool = False
    ) -> keras.KerasTensor:
        shape = (-1, *[1] * (len(x.shape) - 2), x.shape[-1])
        gamma, beta = (
            ops.reshape(ops.take(ops.convert_to_tensor(values), label, axis=0), shape)
            for values in (self.gamma, self.beta)
        )
        return gamma * self.statistics(x, training=training) + beta

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
        }
