"""Wrappers that make unconditional networks class-conditional, by concatenation or projection."""

import keras
from keras import layers, ops

from zoo.layers.projection import LabelProjection
from zoo.networks.network import Critic, Generator, ImageNetwork, Inputs, Network
from zoo.options import Count, NotNegativeCount, checked


def label_map(num_classes: int, label_dim: int) -> layers.Layer:
    """Returns an embedding layer for labels: ints `[B]` to `[B, label_dim]`."""
    # An embedding equals a bias-free dense layer on the one-hot label, without the one-hot tensor.
    initializer = keras.initializers.RandomNormal(0.0, 0.02)
    return layers.Embedding(
        num_classes, label_dim, embeddings_initializer=initializer, name="label_map"
    )


@keras.saving.register_keras_serializable(package="zoo")
class ConditionalGenerator(Generator):
    """A generator that appends a label embedding to the latent.

    For thousands of classes, a one-hot label would have more entries than the latent. An embedding
    of a few hundred values avoids that.

    Args:
        network: an unconditional generator of `latent_dim = d + label_dim`.
        num_classes: int, K, at least 1.
        label_dim: int in [1, network.latent_dim), the size of the label embedding.

    Inputs: `{"latent": [B, d], "label": [B]}`. Output: `[B, *image_shape]`.

    Raises:
        ValueError: a conditional `network`, or a number outside its range.

    Source: mcgan.py of xudonmao/Multi-class_GAN (3740 classes mapped to 256 values).
    """

    @checked
    def __init__(
        self,
        network: Network,
        num_classes: Count,
        *,
        label_dim: Count,
        name: str | None = None,
        dtype: object = None,
    ):
        if network.num_classes:
            raise ValueError("`network` must be an unconditional generator.")
        if num_classes < 1 or not 1 <= label_dim < network.latent_dim:
            raise ValueError(
                f"`label_dim` must be in [1, {network.latent_dim}) and `num_classes` at least 1, "
                f"received label_dim={label_dim}, num_classes={num_classes}."
            )
        super().__init__(
            network.image_shape,
            latent_dim=network.latent_dim - label_dim,
            latent=network.latent,
            num_classes=num_classes,
            name=name,
            dtype=network.dtype_policy if dtype is None else dtype,
        )
        self.network = network
        self.label_dim = label_dim
        self.label_map = label_map(num_classes, label_dim)
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        latent = ops.cast(inputs["latent"], self.compute_dtype)
        label = ops.cast(self.label_map(inputs["label"]), self.compute_dtype)
        return self.network(ops.concatenate([latent, label], axis=-1), training=training)

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "num_classes": self.num_classes,
            "label_dim": self.label_dim,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


class LabelledCritic(ImageNetwork):
    """Base class of critics that take `{"images": [B, ..., C], "label": [B]}`."""

    takes_labels = True

    def symbolic_inputs(self) -> Inputs:
        return {
            "images": keras.Input(self.image_shape, name="images"),
            "label": keras.Input((), dtype="int64", name="label"),
        }


@keras.saving.register_keras_serializable(package="zoo")
class ProjectionCritic(LabelledCritic):
    """A projection critic: `score = psi(phi(x)) + <v_y, phi(x)>`.

    phi denotes the network's features, psi its last layer, and v_y a learned vector per class.

    Args:
        network: a critic with features (`zoo.networks.network.Critic`).
        num_classes: int, K, at least 1.

    Inputs: `{"images": [B, ..., C], "label": [B]}`. Output: scores `[B]`.

    Raises:
        ValueError: `network` is not a `Critic`, or `num_classes` is below 1.

    Source: Miyato and Koyama, arXiv 1802.05637, equation 3. The paper's phi sums over positions;
    here phi is the input of the last layer of the given network.
    """

    @checked
    def __init__(
        self,
        network: Critic,
        num_classes: Count,
        *,
        name: str | None = None,
        dtype: object = None,
    ):
        if not isinstance(network, Critic):
            raise ValueError(
                f"`network` must be a zoo.networks.network.Critic, received a "
                f"{type(network).__name__}. The projection needs the features before the score."
            )
        super().__init__(
            network.image_shape, name=name, dtype=network.dtype_policy if dtype is None else dtype
        )
        self.network = network
        self.num_classes = num_classes
        self.projection = LabelProjection(num_classes, dtype="float32", name="projection")
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        features = self.network.features(inputs["images"], training=training)
        return self.network.score_of(features) + self.projection(features, inputs["label"])

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "num_classes": self.num_classes,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }


@keras.saving.register_keras_serializable(package="zoo")
class ConditionalCritic(LabelledCritic):
    """A critic that appends the label to the image's channels as constant maps.

    The maps enter at the input only; `zoo.networks.CharacterCritic` adds them to inner layers too.

    Args:
        network: a critic of images with `label_dim or num_classes` additional channels.
        num_classes: int, K, at least 1.
        label_dim: int, 0 for one-hot maps, otherwise the size of a learned label embedding.

    Inputs: `{"images": [B, ..., C], "label": [B]}`. Output: scores `[B]`.

    Raises:
        ValueError: a number outside its range, or a `network` with too few channels.
    """

    @checked
    def __init__(
        self,
        network: Network,
        num_classes: Count,
        *,
        label_dim: NotNegativeCount = 0,
        name: str | None = None,
        dtype: object = None,
    ):
        *pixels, channels = network.image_shape
        maps = label_dim or num_classes
        if num_classes < 1 or label_dim < 0 or channels <= maps:
            raise ValueError(
                f"`network` takes {channels} channels, which must be more than the {maps} label "
                f"maps. Build it with the image's channels plus {maps}."
            )
        super().__init__(
            (*pixels, channels - maps),
            name=name,
            dtype=network.dtype_policy if dtype is None else dtype,
        )
        self.network = network
        self.num_classes = num_classes
        self.label_dim = label_dim
        self.label_map = label_map(num_classes, label_dim) if label_dim else None
        self.build_from_symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        images = ops.cast(inputs["images"], self.compute_dtype)
        if self.label_map is None:
            values = ops.one_hot(inputs["label"], self.num_classes, dtype=self.compute_dtype)
        else:
            values = ops.cast(self.label_map(inputs["label"]), self.compute_dtype)
        size = values.shape[-1]
        values = ops.reshape(values, (-1, *[1] * (len(self.image_shape) - 1), size))
        maps = values * ops.ones_like(images[..., :1])
        return self.network(ops.concatenate([images, maps], axis=-1), training=training)

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "num_classes": self.num_classes,
            "label_dim": self.label_dim,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }
