"""The inner product of features with an embedding of the label."""

import keras
from keras import ops

from zoo.options import Count, checked


@keras.saving.register_keras_serializable(package="zoo")
class LabelProjection(keras.layers.Layer):
    """`<v_y, h>`: the inner product of features h and a learned vector per class.

    The vectors are the rows of the weight `kernel` `[K, d]`. They start at N(0, 0.02).

    Args:
        num_classes: int, K, at least 1.

    Inputs: float `[B, d]` and int labels `[B]` in 0..K-1. Output: `[B]`.

    Raises:
        ValueError: `num_classes` is below 1.

    Source: Miyato and Koyama, arXiv 1802.05637; the initialiser is this project's choice.

    Example:
    >>> LabelProjection(10)(keras.ops.ones((2, 4)), keras.ops.array([0, 7])).shape
    TensorShape([2])
    """

    @checked
    def __init__(self, num_classes: Count, *, name: str | None = None, dtype: object = None):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight(
            (self.num_classes, input_shape[-1]),
            keras.initializers.RandomNormal(0.0, 0.02),
            name="kernel",
        )
        self.built = True

    def call(self, features: keras.KerasTensor, label: keras.KerasTensor) -> keras.KerasTensor:
        vectors = ops.take(ops.convert_to_tensor(self.kernel), label, axis=0)
        return ops.sum(vectors * features, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[:1]

    def get_config(self) -> dict:
        return {**super().get_config(), "num_classes": self.num_classes}
