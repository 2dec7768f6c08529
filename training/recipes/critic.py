"""What the recipes of GANs with a scoring critic share: networks, a penalty, class labels."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.errors import UserError
from training.recipe import option
from training.recipes.adversarial import AdversarialRecipe

if TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.data.pipeline import Stream
    from zoo.models import AdversarialModel
    from zoo.penalties import Penalty

Shape = tuple[int, ...]

_PENALTY_OPTIONS = {
    "penalty_weight": "weight",
    "penalty_power": "power",
    "penalty_noise": "noise_scale",
    "penalty_buffer": "buffer",
    "penalty_buffer_mode": "buffer_mode",
    "multiplier_rate": "multiplier_rate",
    "inequality": "inequality",
    "clip_bound": "bound",
    "clip_when": "when",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class CriticRecipe(AdversarialRecipe):
    """Fields of every GAN whose critic gives one score an image."""

    network: str = "dcgan"
    """Networks: dcgan (any size), resnet (the LGAN paper's), scene (LSGAN's, 112 pixels), mlp."""
    depth: int | None = None
    """Hidden layers of both networks; mlp only."""
    activation: str | None = None
    """Activation of the hidden layers; mlp only."""
    conditional: Literal["none", "onehot", "embedding"] = "none"
    """Class-conditional: the label joins the latent and, as maps, the critic's images, one-hot or
    through a learned linear map."""
    label_dim: int | None = None
    """Size of the linear label map; embedding only."""
    spectral_norm: bool = False
    """Divide each kernel of the critic by its largest singular value."""
    generator_batches: int = 1
    """Fake images of a generator step for each one of a critic step."""
    shared_latents: bool = False
    """Take the last critic step's latents for the generator step, instead of fresh ones."""
    penalty: str = "none"
    """Penalty on the critic: none, gp, lp, cp, dragan, r1, r2, direct, per_pixel, max_gp,
    max_gp_one, max_lp, max_al, clip. Its options below are by default its own."""
    penalty_weight: float | None = None
    """Factor of the penalty; rho of max_al."""
    penalty_power: int | None = None
    """Power of the gradient norm, 1 or 2; direct only."""
    penalty_noise: float | None = None
    """Size of the noise on real images; dragan only."""
    penalty_buffer: int | None = None
    """How many points of largest gradient are kept for the next step; max_* only."""
    penalty_buffer_mode: Literal["append", "replace"] | None = None
    """Whether kept points stand beside the batch's or for some of them; max_* only."""
    multiplier_rate: float | None = None
    """Step of the multiplier; max_al only."""
    inequality: bool | None = None
    """Let gradient norms below one be; max_al only."""
    clip_bound: float | None = None
    """Critic weights are clipped to [-bound, bound]; clip only."""
    clip_when: Literal["before", "after"] | None = None
    """Clip before or after each critic step; clip only."""

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
        self._check_penalty()

    def _check_networks(self) -> None:
        """Asks the networks' registry, so that nothing is found out after the data are read."""
        from zoo.networks import check_image_size
        from zoo.networks.registry import family

        try:
            critic = family(self.network).critic
            if self.image_size is not None:
                check_image_size(self.network, (self.image_size, self.image_size, 1))
        except ValueError as error:
            raise UserError(f"--network {self.network}: {error}") from None
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

    def _check_penalty(self) -> None:
        from zoo.names import unknown_name
        from zoo.penalties import PENALTIES, penalty_class, penalty_options

        if self.penalty != "none" and self.penalty not in PENALTIES:
            raise UserError(unknown_name("penalty", self.penalty, ["none", *PENALTIES]))
        known = {} if self.penalty == "none" else penalty_options(self.penalty)
        for field, argument in _PENALTY_OPTIONS.items():
            if getattr(self, field) is not None and argument not in known:
                raise UserError(
                    f"{option(field)} {getattr(self, field)} has no effect with --penalty "
                    f"{self.penalty}: give {option(field)} None."
                )
        try:
            self.make_penalty()
        except ValueError as error:
            raise UserError(f"--penalty {self.penalty}: {error}") from None
        buffer = self.penalty_buffer or 0
        if buffer and self.conditional != "none":
            raise UserError("--penalty-buffer keeps images without labels: not with --conditional.")
        if buffer >= self.batch_size:
            raise UserError(
                f"--penalty-buffer {buffer} must be smaller than --batch-size {self.batch_size}."
            )
        if (
            self.penalty != "none"
            and penalty_class(self.penalty).differentiates
            and self.critic_normalization == "batch"
        ):
            raise UserError(
                f"--penalty {self.penalty} takes the critic's gradient image by image, and batch "
                "normalisation makes it depend on the other images. Give --critic-normalization "
                "layer or none."
            )

    def make_penalty(self) -> "Penalty | None":
        """Makes the penalty; None for none."""
        from zoo.penalties import make_penalty

        if self.penalty == "none":
            return None
        options = {
            argument: getattr(self, field)
            for field, argument in _PENALTY_OPTIONS.items()
            if getattr(self, field) is not None
        }
        return make_penalty(self.penalty, options)

    def streams(self, data: "ImageData", label_map: "LabelMap | None") -> "dict[str, Stream]":
        from training.data.pipeline import Stream

        return {"real": Stream(data.train, with_labels=self.conditional != "none")}

    def make_networks(
        self, *, image_shape: Shape, num_classes: int
    ) -> "tuple[keras.Model, keras.Model]":
        """Makes generator and critic; `num_classes` is 0 for unconditional ones."""
        from zoo.networks import check_image_size, make_critic, make_generator
        from zoo.networks.conditional import ConditionalCritic, ConditionalGenerator
        from zoo.networks.spectral import SpectralCritic

        try:
            check_image_size(self.network, image_shape)
        except ValueError as error:
            raise UserError(str(error)) from None
        *pixels, channels = image_shape
        maps = self.label_dim or num_classes
        joins_by_itself = self.conditional != "embedding"
        generator = make_generator(
            self.network,
            image_shape=image_shape,
            latent_dim=self.latent_dim if joins_by_itself else self.latent_dim + maps,
            latent=self.latent,
            num_classes=num_classes if joins_by_itself else 0,
            filters=self.generator_filters,
            normalization=self.generator_normalization,
            depth=self.depth,
            activation=self.activation,
        )
        critic = make_critic(
            self.network,
            image_shape=(*pixels, channels + maps),
            filters=self.critic_filters,
            normalization=self.critic_normalization,
            depth=self.depth,
            activation=self.activation,
        )
        if not joins_by_itself:
            generator = ConditionalGenerator(generator, num_classes, label_dim=maps)
        if num_classes:
            critic = ConditionalCritic(critic, num_classes, label_dim=self.label_dim or 0)
        if self.spectral_norm:
            critic = SpectralCritic(critic)
        return generator, critic

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
