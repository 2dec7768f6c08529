"""A residual classifier of nine layers that learns CIFAR-10 fast, and its average."""

import keras
from keras import layers, ops

SLOPE = 0.1
LOGIT_SCALE = 0.125


class ConvolutionBlock(layers.Layer):
    """A 3x3 convolution, batch normalisation and LeakyReLU, with pooling if asked for.

    Args:
        filters: int, output channels.
        pool: bool, whether to halve the size by the maximum of 2 x 2 places.
    """

    def __init__(self, filters: int, *, pool: bool = False):
        super().__init__()
        self.convolution = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
        )
        self.norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        self.pool = pool

    def call(self, x: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = self.norm(self.convolution(x), training=training)
        x = ops.leaky_relu(x, SLOPE)
        if not self.pool:
            return x
        # The gradient of XLA's own max pooling scatters, which is slow on a GPU.
        _, height, width, channels = x.shape
        pairs = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
        return ops.max(pairs, axis=(2, 4))


class Classifier(keras.Model):
    """Convolutions with two residual pairs, global maximum, dropout and a class layer.

    Args:
        width: int, channels of the first layer; the last has eight times as many.
        dropout: float in [0, 1), rate before the class layer.

    Returns of a call: logits `[B, 10]` and features `[B, 8 * width]`, both float32.

    Source: the nine-layer residual network of Page, "How to train your ResNet" (2018).
    """

    def __init__(self, *, width: int = 64, dropout: float = 0.0):
        super().__init__()
        self.blocks = [
            ConvolutionBlock(width),
            ConvolutionBlock(2 * width, pool=True),
            ConvolutionBlock(2 * width),
            ConvolutionBlock(2 * width),
            ConvolutionBlock(4 * width, pool=True),
            ConvolutionBlock(8 * width, pool=True),
            ConvolutionBlock(8 * width),
            ConvolutionBlock(8 * width),
        ]
        self.dropout = layers.Dropout(dropout, dtype="float32")
        self.classes = layers.Dense(10, use_bias=False, dtype="float32")

    def call(
        self, images: keras.KerasTensor, training: bool = False, noisy: bool = True
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        x = ops.cast(images, self.compute_dtype)
        b = self.blocks
        x = b[1](b[0](x, training=training), training=training)
        x = x + b[3](b[2](x, training=training), training=training)
        x = b[5](b[4](x, training=training), training=training)
        x = x + b[7](b[6](x, training=training), training=training)
        features = ops.cast(ops.max(x, axis=(1, 2)), "float32")
        hidden = self.dropout(features, training=training and noisy)
        return LOGIT_SCALE * self.classes(hidden), features
