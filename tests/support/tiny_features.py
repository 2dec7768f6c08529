"""A feature network of one convolution, with a norm and dropout, which traces quickly."""

import keras
from keras import layers, ops

from zoo.layers import StatelessDropout
from zoo.layers.normalization import make_normalization
from zoo.networks.network import ImageNetwork


@keras.saving.register_keras_serializable(package="tests")
class TinyFeatures(ImageNetwork):
    """Dropout, a convolution with stride 4, a norm and a leaky ReLU."""

    def __init__(self, image_shape, *, filters=6, normalization, dropout, name=None, dtype=None):
        super().__init__(tuple(image_shape), name=name, dtype=dtype)
        self.options = {"filters": filters, "normalization": normalization, "dropout": dropout}
        self.drop = StatelessDropout(dropout, name="drop")
        self.convolution = layers.Conv2D(
            filters, 4, strides=4, kernel_initializer="he_normal", name="convolution"
        )
        self.norm = make_normalization(normalization, name="norm")
        self.build_from_symbolic_inputs()

    def call(self, inputs, training=False):
        x = self.drop(ops.cast(inputs, self.compute_dtype), training=training)
        return ops.leaky_relu(self.norm(self.convolution(x), training=training), 0.2)

    def get_config(self):
        return {**super().get_config(), **self.options}
