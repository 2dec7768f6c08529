"""Any critic under spectral normalisation."""

from typing import Self

import keras

from zoo.layers.spectral_norm import SpectralNormalization
from zoo.networks.network import ImageNetwork, Inputs, Network


@keras.saving.register_keras_serializable(package="zoo")
class SpectralCritic(ImageNetwork):
    """A critic whose every kernel is divided by its largest singular value when it runs.

    Args:
        network: a critic; one that takes labels (`zoo.networks.ConditionalCritic`) stays so.

    Returns of a call: what the network returns.

    Source: Miyato et al., arXiv 1802.05957.
    """

    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        super().__init__(
            network.image_shape, name=name, dtype=network.dtype_policy if dtype is None else dtype
        )
        self.network = network
        self.takes_labels = getattr(network, "takes_labels", False)
        self.normalised = SpectralNormalization(network, name="normalised")
        self.build_from_symbolic_inputs()

    def symbolic_inputs(self) -> Inputs:
        return self.network.symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> keras.KerasTensor:
        return self.normalised(inputs, training=training)

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Returns a critic of this configuration, with a network of its own."""
        network = config["network"]
        if isinstance(network, dict):
            network = keras.saving.deserialize_keras_object(network)
        return cls(**{**config, "network": network})
