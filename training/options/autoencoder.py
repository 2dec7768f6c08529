"""Options of a generator and of a critic that is an auto-encoder."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from training.options.networks import NetworkOptions, Shape
from zoo.options import Count

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutoEncoderNetworkOptions(NetworkOptions):
    """Generator, and a critic that is an auto-encoder."""

    generator_network: Literal["autoencoder", "dcgan", "resnet"] = "autoencoder"
    """Generator: autoencoder (layers like those of the critic's decoder), dcgan or resnet (the LGAN
    paper's)."""
    code_dim: Count = 64
    """Dimension of the code of the critic."""
    reconstruction: Literal["l1", "l2"] = "l1"
    """Error of the critic: the mean over pixels of the absolute or of the squared difference."""

    @property
    def needs_labels(self) -> bool:
        return False

    @property
    def families(self) -> dict[str, str]:
        return {"generator_network": self.generator_network}

    @property
    def generator_family(self) -> str:
        return self.generator_network

    def check(self) -> None:
        super().check()
        if self.generator_normalization == "conditional_batch":
            raise ValueError(
                "`generator_normalization` conditional_batch has a scale for each class, and an "
                "auto-encoder uses no classes: give `generator_normalization` batch, layer or none."
            )

    def make(
        self, *, image_shape: Shape, class_names: tuple[str, ...], semi_supervised: bool
    ) -> "tuple[keras.Model, keras.Model]":
        from zoo.networks import AutoEncoderCritic, make_generator

        generator = make_generator(
            self.generator_network,
            image_shape=image_shape,
            latent_dim=self.latent_dim,
            latent=self.latent,
            filters=self.generator_filters,
            normalization=self.generator_normalization,
            upsampling=self.upsampling,
        )
        critic = AutoEncoderCritic(
            image_shape,
            filters=self.critic_filters,
            code_dim=self.code_dim,
            reconstruction=self.reconstruction,
            normalization=self.critic_normalization,
        )
        return generator, critic
