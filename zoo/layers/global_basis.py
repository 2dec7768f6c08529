"""A learned map of the size of the image: the start of a generator, or the end of a critic."""

import keras
from keras import initializers, layers, ops

from zoo.options import Count, checked


@keras.saving.register_keras_serializable(package="zoo")
class GlobalBasis(layers.Layer):
    """A learned map of the size of the image, multiplied with its input channel by channel.

    With `sums` the products are summed over all positions: `[B, h, w, C] -> [B, C]`. Otherwise
    the input is constant over positions: `[B, C] -> [B, h, w, C]`.

    Args:
        size: int, height = width of the map.
        filters: int, channels.
        sums: bool, see above. The map starts at N(0, 1 / size²) with `sums` and at N(0, 1) without.
    """

    @checked
    def __init__(
        self,
        size: Count,
        filters: Count,
        *,
        sums: bool,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.size = size
        self.filters = filters
        self.sums = sums

    def build(self, input_shape: tuple) -> None:
        self.basis = self.add_weight(
            (self.size, self.size, self.filters),
            initializers.RandomNormal(0.0, 1.0 / self.size if self.sums else 1.0),
            name="basis",
        )
        self.built = True

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        basis = ops.convert_to_tensor(self.basis)
        if self.sums:
            return ops.sum(x * basis, axis=(1, 2))
        return ops.expand_dims(x, (1, 2)) * basis

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch = input_shape[0]
        return (batch, self.filters) if self.sums else (batch, self.size, self.size, self.filters)

    def get_config(self) -> dict:
        config = {"size": self.size, "filters": self.filters, "sums": self.sums}
        return {**super().get_config(), **config}
