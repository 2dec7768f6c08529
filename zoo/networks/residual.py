"""Feature network of a residual classifier of nine layers."""

import keras
from keras import layers, ops

from zoo.layers.dropout import StatelessDropout
from zoo.layers.normalization import make_normalization
from zoo.networks.network import ImageNetwork, check_image_shape
from zoo.options import Count, Share, checked
from zoo.rematerialisation import segment

LEAST_SIZE = 8
_LEAST_MAP = 4  # Pixels of the smallest map that a halving may leave.
_SLOPE = 0.1
_FEATURE_SCALE = 0.125
# Channels per filter of each convolution. The first convolution of a stage halves the map.
_WIDTHS = (1, 2, 2, 2, 4, 8, 8, 8)
_STAGE_STARTS = (1, 4, 5)
_PAIRS = ((2, 3), (6, 7))


def check_residual_shape(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Returns the shape; raises ValueError unless it is square and at least 8 pixels wide."""
    shape = check_image_shape(image_shape)
    if shape[0] < LEAST_SIZE:
        raise ValueError(
            f"The residual network supports images of at least {LEAST_SIZE} pixels, not of "
            f"{shape[0]}. Resize with --image-size, or choose another network."
        )
    return shape


@keras.saving.register_keras_serializable(package="zoo")
class ResidualFeatures(ImageNetwork):
    """Eight 3x3 convolutions with two residual pairs, then the maximum over all positions.

    `w -> 2w, pool, +(2w 2w) -> 4w, pool -> 8w, pool, +(8w 8w) -> maximum -> / 8 -> dropout`, where
    `+(a b)` adds the output of two convolutions to their input. Normalisation and LeakyReLU(0.1)
    follow each convolution. The class layer of `zoo.ImageClassifier` is the ninth layer. Page's
    code divides the logits by 8; here the features are divided, which is the same.

    `pool` is the maximum of 2 x 2 positions. It halves the map, rounded up, if at least 4 pixels
    remain. So images of 25 pixels or more are halved three times (32 -> 16 -> 8 -> 4, and
    28 -> 14 -> 7 -> 4), images of 13 to 24 pixels twice, and images of 8 to 12 pixels once.

    Args:
        image_shape: (size, size, channels), size at least 8.
        filters: int, w, at least 1 (64 in the source).
        normalization: `"batch"` (as in the source), `"layer"` or `"none"`.
        dropout: float in [0, 1), the rate before the class layer (0 in the source).

    Output: `[B, 1, 1, 8w]`.

    Raises:
        ValueError: an image size or an argument that the network does not support.

    Source: Page, "How to train your ResNet" (2018), the final network.

    Example:
    >>> ResidualFeatures((28, 28, 1), filters=4)(keras.ops.zeros((2, 28, 28, 1))).shape
    TensorShape([2, 1, 1, 32])
    """

    @checked
    def __init__(
        self,
        image_shape: tuple[int, ...],
        *,
        filters: Count = 64,
        normalization: str = "batch",
        dropout: Share = 0.0,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(check_residual_shape(image_shape), name=name, dtype=dtype)
        self.filters = filters
        self.normalization = normalization
        self.dropout = dropout
        self.convolutions = [
            layers.Conv2D(
                width * filters,
                3,
                padding="same",
                use_bias=normalization == "none",
                kernel_initializer="he_normal",
                name=f"convolution_{i}",
            )
            for i, width in enumerate(_WIDTHS)
        ]
        self.norms = [
            make_normalization(normalization, name=f"norm_{i}", scale_deviation=0.0)
            for i in range(len(_WIDTHS))
        ]
        self.unflatten = layers.Reshape((1, 1, -1), name="unflatten")
        self.feature_dropout = StatelessDropout(dropout, name="feature_dropout")
        self.build_from_symbolic_inputs()

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        x = ops.cast(inputs, self.compute_dtype)
        for i in range(len(_WIDTHS)):
            if i in dict(_PAIRS):
                shortcut = x
            x = self._convolved(i, x, training=training)
            if i in dict(_PAIRS).values():
                x = x + shortcut
        x = self.unflatten(_FEATURE_SCALE * ops.max(x, axis=(1, 2)))
        return self.feature_dropout(x, training=training)

    def _convolved(self, i: int, x: keras.KerasTensor, *, training: bool) -> keras.KerasTensor:
        """Applies convolution i with what follows it, before the addition of a shortcut."""
        convolution, norm = self.convolutions[i], self.norms[i]
        halves = i in _STAGE_STARTS and (x.shape[1] + 1) // 2 >= _LEAST_MAP

        def step(x: keras.KerasTensor) -> keras.KerasTensor:
            x = ops.leaky_relu(norm(convolution(x), training=training), _SLOPE)
            return halve(x) if halves else x

        return segment(step, x, statistics=norm.non_trainable_variables)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "normalization": self.normalization,
            "dropout": self.dropout,
        }


def halve(x: keras.KerasTensor) -> keras.KerasTensor:
    """Returns the maximum of each 2 x 2 positions: `[B, ceil(h/2), ceil(w/2), c]`.

    The gradient of a max pooling operation scatters under XLA, which is slow. Two maxima of
    reshaped maps, one per axis, are faster there and about as fast without XLA.
    """
    _, height, width, channels = x.shape
    # The maximum does not change if the last row or column is repeated.
    if height % 2:
        x = ops.concatenate([x, x[:, -1:]], axis=1)
    if width % 2:
        x = ops.concatenate([x, x[:, :, -1:]], axis=2)
    height, width = (height + 1) // 2, (width + 1) // 2
    x = ops.max(ops.reshape(x, (-1, height, 2, x.shape[2], channels)), axis=2)
    return ops.max(ops.reshape(x, (-1, height, width, 2, channels)), axis=3)
