"""Feature networks: loading, and the name that results report."""

import dataclasses
import pathlib
from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.errors import UserError

INCEPTION = "inception"


@dataclasses.dataclass(frozen=True)
class FeatureNetwork:
    """A network that computes features and logits of raw images.

    Args:
        name: a name with the start of the weights' SHA-256, such as `mnist-cnn-1a2b3c`.
        from_raw: maps uint8 `[b, h, w, c]` of any size to `(features [b, d], logits [b, K])`.
        model: the model that owns the variables.
        batch_size: int, images per batch on one device.
    """

    name: str
    from_raw: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    model: keras.Model
    batch_size: int

    def __call__(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes features and logits, in graph code."""
        return self.from_raw(images)


def load_feature_network(
    name: str | None,
    *,
    data: str,
    inception: pathlib.Path | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> FeatureNetwork:
    """Loads a feature network.

    Args:
        name: `"inception"`, or the data set of a shipped network (`"mnist"`). None means
            Inception if its file is given, and otherwise the network shipped for `data`.
        data: the data set of the evaluation.
        inception: file of the Inception weights.
        strategy: the distribution strategy for the weights.

    Raises:
        UserError: if the network does not exist, none is shipped for the data, or the weights
            are missing or have the wrong checksum.
    """
    with (strategy or tf.distribute.get_strategy()).scope():
        if name == INCEPTION or (name is None and inception is not None):
            from training.metrics.inception_weights import load_inception

            inception_network, digest = load_inception(inception)
            return FeatureNetwork(
                f"inception-{digest[:6]}", inception_network.from_raw, inception_network, 32
            )
        if inception is not None:
            raise UserError(
                f"--inception-weights has no effect with --features {name}: give one of them."
            )
        return _shipped(name, data)


def _shipped(name: str | None, data: str) -> FeatureNetwork:
    from training.metrics.shipped_features import shipped

    networks = shipped()
    # By the data set alone, or with the network: mnist, mnist-cnn.
    found = networks | {network.kind: network for network in networks.values()}
    if (wanted := name or data) not in found:
        problem = (
            f"There is no feature network {name!r}."
            if name is not None
            else f"No feature network was trained on {data}."
        )
        raise UserError(
            f"{problem} Give one with --features: {', '.join(networks)} (shipped), or {INCEPTION} "
            "with --inception-weights FILE."
        )
    network = found[wanted].load()
    return FeatureNetwork(found[wanted].name, network.from_raw, network, 256)
