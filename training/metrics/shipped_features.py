"""The shipped feature networks: classifiers that this project trained, one per data set."""

import dataclasses
import hashlib
import io
import json
import pathlib
from typing import Any

import numpy as np

from training.metrics.feature_base import RawFeatures
from training.metrics.feature_cnn import FeatureCNN
from training.metrics.feature_residual import FeatureResidual
from zoo.errors import UserError

FOLDER = pathlib.Path(__file__).parent / "weights"
NETWORKS: dict[str, type[RawFeatures]] = {"cnn": FeatureCNN, "residual": FeatureResidual}
"""The networks by their names in records and in file names."""


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
    def kind(self) -> str:
        """The name without the weights: data set and network."""
        return f"{self.record['data']}-{self.record['network']}"

    @property
    def name(self) -> str:
        """The name in results: data set, network, and the start of the weights' SHA-256."""
        return f"{self.kind}-{self.record['sha256'][:6]}"

    def load(self) -> RawFeatures:
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
        network_class = NETWORKS[self.record["network"]]
        network = network_class(tuple(self.record["image_shape"]), self.record["num_classes"])
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            network.set_weights([arrays[name].astype(np.float32) for name in sorted(arrays.files)])
        return network


def weights_file(network: RawFeatures) -> bytes:
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
