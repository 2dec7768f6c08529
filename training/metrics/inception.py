"""The Inception network of FID: the graph of 2015-12-05 as a Keras model.

It differs from the usual Inception-v3: average pooling does not count the padding, the last block
uses max pooling, images are resized as in TensorFlow 1, and there are 1,008 logits.
"""

import dataclasses

import tensorflow as tf
from keras import layers, ops

from zoo.networks.network import ImageNetwork

SIZE = 299
FEATURES = 2048
LOGITS = 1008


@dataclasses.dataclass(frozen=True)
class Conv:
    """A convolution without bias, with batch norm and ReLU. Names are those of the state dict."""

    name: str
    filters: int
    kernel: int | tuple[int, int] = 1
    stride: int = 1
    padding: str = "same"


@dataclasses.dataclass(frozen=True)
class Pool:
    """A 3x3 pool: `"average"` and `"maximum"` with stride 1, `"halve"` is maximum with stride 2."""

    kind: str


@dataclasses.dataclass(frozen=True)
class Fork:
    """Two convolutions of the same input, concatenated."""

    left: Conv
    right: Conv


Branch = tuple[Conv | Pool | Fork, ...]


def _block_a(pool_features: int) -> list[Branch]:
    return [
        (Conv("branch1x1", 64),),
        (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, 5)),
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, 3),
            Conv("branch3x3dbl_3", 96, 3),
        ),
        (Pool("average"), Conv("branch_pool", pool_features)),
    ]


def _block_b() -> list[Branch]:
    return [
        (Conv("branch3x3", 384, 3, 2, "valid"),),
        (
            Conv("branch3x3dbl_1", 64),
            Conv("branch3x3dbl_2", 96, 3),
            Conv("branch3x3dbl_3", 96, 3, 2, "valid"),
        ),
        (Pool("halve"),),
    ]


def _block_c(inner: int) -> list[Branch]:
    return [
        (Conv("branch1x1", 192),),
        (
            Conv("branch7x7_1", inner),
            Conv("branch7x7_2", inner, (1, 7)),
            Conv("branch7x7_3", 192, (7, 1)),
        ),
        (
            Conv("branch7x7dbl_1", inner),
            Conv("branch7x7dbl_2", inner, (7, 1)),
            Conv("branch7x7dbl_3", inner, (1, 7)),
            Conv("branch7x7dbl_4", inner, (7, 1)),
            Conv("branch7x7dbl_5", 192, (1, 7)),
        ),
        (Pool("average"), Conv("branch_pool", 192)),
    ]


def _block_d() -> list[Branch]:
    return [
        (Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, 3, 2, "valid")),
        (
            Conv("branch7x7x3_1", 192),
            Conv("branch7x7x3_2", 192, (1, 7)),
            Conv("branch7x7x3_3", 192, (7, 1)),
            Conv("branch7x7x3_4", 192, 3, 2, "valid"),
        ),
        (Pool("halve"),),
    ]


def _block_e(pool: str) -> list[Branch]:
    return [
        (Conv("branch1x1", 320),),
        (
            Conv("branch3x3_1", 384),
            Fork(Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
        ),
        (
            Conv("branch3x3dbl_1", 448),
            Conv("branch3x3dbl_2", 384, 3),
            Fork(Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
        ),
        (Pool(pool), Conv("branch_pool", 192)),
    ]


STEM: Branch = (
    Conv("Conv2d_1a_3x3", 32, 3, 2, "valid"),
    Conv("Conv2d_2a_3x3", 32, 3, 1, "valid"),
    Conv("Conv2d_2b_3x3", 64, 3),
    Pool("halve"),
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, 3, 1, "valid"),
    Pool("halve"),
)
BLOCKS: dict[str, list[Branch]] = {
    "Mixed_5b": _block_a(32),
    "Mixed_5c": _block_a(64),
    "Mixed_5d": _block_a(64),
    "Mixed_6a": _block_b(),
    "Mixed_6b": _block_c(128),
    "Mixed_6c": _block_c(160),
    "Mixed_6d": _block_c(160),
    "Mixed_6e": _block_c(192),
    "Mixed_7a": _block_d(),
    "Mixed_7b": _block_e("average"),
    "Mixed_7c": _block_e("maximum"),
}


def convolutions() -> dict[str, Conv]:
    """Returns all convolutions by their full names in the state dict."""
    found = {step.name: step for step in STEM if isinstance(step, Conv)}
    for block, branches in BLOCKS.items():
        for step in (step for branch in branches for step in branch):
            each = (step.left, step.right) if isinstance(step, Fork) else (step,)
            found |= {f"{block}.{conv.name}": conv for conv in each if isinstance(conv, Conv)}
    return found


def resize_like_tensorflow_1(images: tf.Tensor) -> tf.Tensor:
    """Resizes bilinearly to 299 x 299; output pixel i is sampled at `i * size / 299`.

    Args:
        images: float32 or uint8 `[B, h, w, 3]`.
    """
    return tf.raw_ops.ResizeBilinear(
        images=tf.cast(images, tf.float32),
        size=[SIZE, SIZE],
        align_corners=False,
        half_pixel_centers=False,
    )


class Inception(ImageNetwork):
    """Inception-v3 in the variant of FID.

    A call takes `(v - 128) / 128`, float32 `[B, 299, 299, 3]`, for pixel values v. It returns
    `(features [B, 2048], logits without bias [B, 1008])`.

    Source: Szegedy et al., arXiv 1512.00567; the graph released on 2015-12-05.
    """

    def __init__(self, *, name: str | None = None):
        super().__init__((SIZE, SIZE, 3), name=name, dtype="float32")
        self.convolutions = {
            key: layers.Conv2D(
                conv.filters,
                conv.kernel,
                strides=conv.stride,
                padding=conv.padding,
                use_bias=False,
                kernel_initializer="zeros",  # The network is only used with loaded weights.
            )
            for key, conv in convolutions().items()
        }
        self.norms = {key: layers.BatchNormalization(epsilon=1e-3) for key in self.convolutions}
        self.predictions = layers.Dense(LOGITS, kernel_initializer="zeros")
        self.predictions.build((None, FEATURES))
        self.build_from_symbolic_inputs()

    def call(self, inputs: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        x = self._branch(inputs, STEM, prefix="")
        for block, branches in BLOCKS.items():
            outputs = [self._branch(x, branch, prefix=f"{block}.") for branch in branches]
            x = ops.concatenate(outputs, axis=-1)
        features = ops.mean(x, axis=(1, 2))
        # The Inception Score is defined without the bias.
        return features, ops.matmul(features, self.predictions.kernel)

    def _branch(self, x: tf.Tensor, branch: Branch, *, prefix: str) -> tf.Tensor:
        for step in branch:
            if isinstance(step, Pool):
                x = _pool(x, step.kind)
            elif isinstance(step, Fork):
                sides = [self._convolve(x, prefix + conv.name) for conv in (step.left, step.right)]
                x = ops.concatenate(sides, axis=-1)
            else:
                x = self._convolve(x, prefix + step.name)
        return x

    def _convolve(self, x: tf.Tensor, key: str) -> tf.Tensor:
        return ops.relu(self.norms[key](self.convolutions[key](x), training=False))

    def from_raw(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes features and logits of uint8 images of any size, grey or colour."""
        if images.shape[-1] == 1:
            images = tf.repeat(images, 3, axis=-1)
        return self((resize_like_tensorflow_1(images) - 128.0) / 128.0)

    def get_config(self) -> dict:
        return {"name": self.name}


def _pool(x: tf.Tensor, kind: str) -> tf.Tensor:
    if kind == "halve":
        return ops.max_pool(x, 3, strides=2, padding="valid")
    pool = ops.average_pool if kind == "average" else ops.max_pool
    return pool(x, 3, strides=1, padding="same")
