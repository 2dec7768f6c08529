"""The shipped feature networks: small classifiers that this project trained, one per data set."""

import dataclasses
import hashlib
import io
import json
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from zoo.errors import UserError
from zoo.images import prepare
from zoo.networks.network import ImageNetwork, check_image_shape

FOLDER = pathlib.Path(__file__).parent / "weights"
FEATURES = 128
# Channels and stride of each 3x3 convolution.
CONVOLUTIONS = ((24, 1), (48, 2), (48, 1), (96, 2), (FEATURES, 1))


class FeatureCNN(ImageNetwork):
    """Five 3x3 convolutions with batch norm and ReLU, global mean pooling, one logit per class.

    A call returns `(features [B, 128], logits [B, K])`, float32.

    Args:
        image_shape: (height, width, channels).
        num_classes: int, K.
    """

    def __init__(self, image_shape: tuple[int, ...], num_classes: int, *, name: str | None = None):
        super().__init__(check_image_shape(image_shape), name=name, dtype="float32")
        self.num_classes = num_classes
        self.convolutions = [
            layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)
            for filters, stride in CONVOLUTIONS
        ]
        self.norms = [layers.BatchNormalization(momentum=0.9) for _ in CONVOLUTIONS]
        self.predictions = layers.Dense(num_classes)
        self.build_from_symbolic_inputs()

    def call(
        self, inputs: tf.Tensor, training: bool = False
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        x = inputs
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = ops.relu(norm(convolution(x), training=training))
        features = ops.mean(x, axis=(1, 2))
        return features, self.predictions(features)

    def from_raw(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes features and logits of uint8 images of any size, grey or colour."""
        return self(prepare(images, check_image_shape(self.image_shape)), training=False)

    def get_config(self) -> dict:
        config = super().get_config()
        del config["dtype"]
        return {**config, "num_classes": self.num_classes}


@dataclasses.dataclass(frozen=True)
class ShippedNetwork:
    """A shipped network: the file of its weights and its record.

    Attributes:
        path: the `.npz` file.
        record: the `.json` file that `training.metrics.train_features` wrote with it.
    """

    path: pathlib.Path
    record: dict[str, Any]

    @property
    def name(self) -> str:
        """The name in results: data set, kind, and the start of the weights' SHA-256."""
        return f"{self.record['data']}-cnn-{self.record['sha256'][:6]}"

    def load(self) -> FeatureCNN:
        """Builds the network with its weights.

        Raises:
            UserError: if the file's SHA-256 is not the recorded one.
        """
        content = self.path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.record["sha256"]:
            raise UserError(
                f"{self.path} is damaged or was changed: its SHA-256 starts with {digest[:8]}, "
                f"expected {self.record['sha256'][:8]} for {self.name}. Install the package again."
            )
        network = FeatureCNN(tuple(self.record["image_shape"]), self.record["num_classes"])
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            network.set_weights([arrays[name].astype(np.float32) for name in sorted(arrays.files)])
        return network


def weights_file(network: FeatureCNN) -> bytes:
    """Returns the content of an `.npz` file with the weights in float16."""
    names = [f"{place:03d}" for place in range(len(network.weights))]
    arrays = dict(zip(names, network.get_weights(), strict=True))
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, **{name: array.astype(np.float16) for name, array in arrays.items()}
    )
    return buffer.getvalue()


def shipped(folder: pathlib.Path = FOLDER) -> dict[str, ShippedNetwork]:
    """Returns the shipped networks by their training data set."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        found[record["data"]] = ShippedNetwork(path.with_suffix(".npz"), record)
    return found
