"""What the recipes of GANs with a scoring critic share: networks, a penalty, class labels."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.recipe import option
from training.recipes.penalised import PenalisedRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.data.pipeline import Stream
    from zoo.models import AdversarialModel

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CriticRecipe(PenalisedRecipe):
    """Fields of every GAN whose critic gives one score an image."""

    network: str = "dcgan"
    """Networks: dcgan (any size), resnet (the LGAN paper's), scene (LSGAN's, 112 pixels),
    characters (LSGAN's for thousands of classes, 28 pixels), mlp."""
    depth: int | None = None
    """Hidden layers of both networks; mlp only."""
    activation: str | None = None
    """Activation of the hidden layers; mlp only."""
    conditional: Literal["none", "onehot", "embedding", "projection"] = "none"
    """Class-conditional: the label joins the latent and, as maps, the critic's images, one-hot or
    through a learned linear map; with projection the critic's score has a term <v_y, features>."""
    label_dim: int | None = None
    """Size of the linear label map; embedding only."""
    spectral_norm: bool = False
    """Divide each kernel of the critic by its largest singular value."""
    generator_batches: int = 1
    """Fake images of a generator step for each one of a critic step."""
    shared_latents: bool = False
    """Take the last critic step's latents for the generator step, instead of fresh ones."""

    @property
    def needs_labels(self) -> bool:  # type: ignore[override]
        """Whether data without class labels are refused."""
        return self.conditional != "none"

    def check(self) -> None:
        super().check()
        if self.generator_batches < 1:
            raise UserError(
                f"--generator-batches must be at least 1, given {self.generator_batches}."
            )
        if self.shared_latents and self.generator_batches > 1:
            raise UserError(
                "--shared-latents takes the critic step's latents: --generator-batches must be 1."
            )
        if (self.label_dim is not None) != (self.conditional == "embedding"):
            raise UserError(
                "--label-dim and --conditional embedding go together, such as --label-dim 256; "
                f"given --conditional {self.conditional}, --label-dim {self.label_dim}."
            )
        if self.label_dim is not None and self.label_dim < 1:
            raise UserError(f"--label-dim must be at least 1, given {self.label_dim}.")
        self._check_networks()
        self.check_penalty()

    def _check_networks(self) -> None:
        """Asks the networks' registry, so that nothing is found out after the data are read."""
        from zoo.networks.registry import family

        try:
            critic = family(self.network).critic
        except ValueError as error:
            raise UserError(f"--network {self.network}: {error}") from None
        if self.image_size is not None:
            self.check_size((self.image_size, self.image_size, 1))
        if critic is None:
            raise UserError(f"--network {self.network} has no critic that gives one score.")
        for field in ("depth", "activation"):
            if getattr(self, field) is not None and field not in critic.options:
                raise UserError(f"--network {self.network} has no option {option(field)}.")
        if "normalization" not in critic.options and self.critic_normalization != "none":
            raise UserError(
                f"The critic of --network {self.network} has no normalisation: give "
                "--critic-normalization none."
            )
        generator = family(self.network).generator
        if "normalization" not in generator.options and self.generator_normalization != "none":
            raise UserError(
                f"The generator of --network {self.network} has no normalisation: give "
                "--generator-normalization none."
            )
        if self.generator_normalization == "conditional_batch" and self.conditional == "none":
            raise UserError(
                "--generator-normalization conditional_batch has a scale for each class: give "
                "--conditional onehot, embedding or projection with it."
            )
        if "label_dim" in critic.options and self.conditional != "embedding":
            raise UserError(
                f"The critic of --network {self.network} takes the label through a linear map: "
                "give --conditional embedding --label-dim 256."
            )

    def streams(self, data: "ImageData", label_map: "LabelMap | None") -> "dict[str, Stream]":
        from training.data.pipeline import Stream

        return {"real": Stream(data.train, with_labels=self.conditional != "none")}

    def make_networks(
        self, *, image_shape: Shape, num_classes: int
    ) -> "tuple[keras.Model, keras.Model]":
        """Makes generator and critic; `num_classes` is 0 for unconditional ones."""
        self.check_size(image_shape)
        generator = self.make_generator(image_shape, num_classes)
        return generator, self.make_critic(image_shape, num_classes)

    def make_generator(self, image_shape: Shape, num_classes: int) -> "keras.Model":
        """Makes the generator."""
        from zoo.networks import ConditionalGenerator, make_generator

        mapped = self.label_dim or 0 if self.generator_normalization != "conditional_batch" else 0
        generator = make_generator(
            self.network,
            image_shape=image_shape,
            latent_dim=self.latent_dim + mapped,
            latent=self.latent,
            num_classes=0 if mapped else num_classes,
            filters=self.generator_filters,
            normalization=self.generator_normalization,
            depth=self.depth,
            activation=self.activation,
        )
        if mapped:
            return ConditionalGenerator(generator, num_classes, label_dim=mapped)
        return generator

    def make_critic(self, image_shape: Shape, num_classes: int) -> "keras.Model":
        """Makes the critic."""
        from zoo.networks import ConditionalCritic, ProjectionCritic, make_critic
        from zoo.networks.registry import family
        from zoo.networks.spectral import SpectralCritic

        part = family(self.network).critic
        by_itself = part is not None and "label_dim" in part.options
        joins = self.conditional in ("onehot", "embedding") and not by_itself
        *pixels, channels = image_shape
        maps = (self.label_dim or num_classes) if joins else 0
        critic = make_critic(
            self.network,
            image_shape=(*pixels, channels + maps),
            filters=self.critic_filters,
            normalization=self.critic_normalization,
            depth=self.depth,
            activation=self.activation,
            num_classes=num_classes if by_itself else None,
            label_dim=self.label_dim if by_itself else None,
        )
        if joins:
            critic = ConditionalCritic(critic, num_classes, label_dim=self.label_dim or 0)
        elif self.conditional == "projection":
            critic = ProjectionCritic(critic, num_classes)
        return SpectralCritic(critic) if self.spectral_norm else critic

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "AdversarialModel":
        """Makes the model.

        Args:
            generator: its generator.
            critic: its critic.
            shared: the arguments that all models have.
        """
        raise NotImplementedError

    def build(self, *, image_shape: Shape, class_names: tuple[str, ...]) -> "AdversarialModel":
        conditional = self.conditional != "none"
        generator, critic = self.make_networks(
            image_shape=image_shape, num_classes=len(class_names) if conditional else 0
        )
        shared = {
            "penalty": self.make_penalty(),
            "critic_steps": self.critic_steps,
            "generator_batches": self.generator_batches,
            "shared_latents": self.shared_latents,
            "ema": self.ema,
            "seed": self.seed,
        }
        model = self.make_model(generator, critic, shared)
        model.compile(
            self.make_optimizer(self.generator_learning_rate),
            self.make_optimizer(self.critic_learning_rate, updates_per_step=self.critic_steps),
        )
        return model
