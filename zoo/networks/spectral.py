"""A wrapper that applies spectral normalisation to a critic."""

import keras

from zoo.layers.spectral_norm import SpectralNormalization
from zoo.networks.network import ImageNetwork, Inputs, Network
from zoo.options import checked


@keras.saving.register_keras_serializable(package="zoo")
class SpectralCritic(ImageNetwork):
    """A critic whose kernels are divided by their largest singular values at each call.

    Args:
        network: a critic. The wrapper takes labels if the critic takes them.

    Output: the output of `network`.

    Source: Miyato et al., arXiv 1802.05957.
    """

    @checked
    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        super().__init__(
            network.image_shape, name=name, dtype=network.dtype_policy if dtype is None else dtype
        )
        self.network = network
        self.takes_labels = network.takes_labels
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
