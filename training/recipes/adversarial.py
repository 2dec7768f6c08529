"""What the recipes of all GANs share: two networks and two optimizers."""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.recipe import Recipe, option
from zoo.errors import UserError

if TYPE_CHECKING:
    import pathlib

    import keras

    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.data.pipeline import Stream
    from zoo.models.trainer import StatelessTrainer

Normalization = Literal["batch", "layer", "none"]
GeneratorNormalization = Literal["batch", "conditional_batch", "layer", "none"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdversarialRecipe(Recipe):
    """Fields that every GAN has."""

    optimizer: Literal["adam", "rmsprop"] = "adam"
    """Optimizer of both networks."""
    generator_learning_rate: float = 2e-4
    """Learning rate for the generator."""
    critic_learning_rate: float = 2e-4
    """Learning rate for the critic."""
    beta_1: float = 0.5
    """First moment decay, of both optimizers; RMSProp has none: 0."""
    beta_2: float = 0.999
    """Second moment decay, of both optimizers; RMSProp's rho."""
    epsilon: float = 1e-7
    """What both optimizers add to the root of the second moment."""
    learning_rate_decay: Literal["none", "linear", "stairs"] = "none"
    """`linear` takes both learning rates down to 0 over the run; `stairs` multiplies them by
    `decay_factor` every `decay_every` steps."""
    decay_factor: float | None = None
    """Factor of a stair, in (0, 1]; stairs only."""
    decay_every: int | None = None
    """Generator steps of a stair; stairs only."""
    critic_steps: int = 1
    """Critic steps to one generator step."""
    ema: float | None = 0.999
    """Decay of the averaged weights that are evaluated and kept; `None` for no average."""
    latent_dim: int = 100
    """Dimension of the latent."""
    latent: Literal["normal", "uniform"] = "normal"
    """Prior of the latent: N(0, I) or U(-1, 1)."""
    generator_filters: int = 512
    """Channels of the generator at its base resolution."""
    critic_filters: int = 64
    """Channels of the critic's first layer."""
    generator_normalization: GeneratorNormalization = "batch"
    """Normalisation of the generator's hidden layers; conditional_batch has a scale and an offset
    for each class, by which the label comes in instead of joining the latent."""
    critic_normalization: Normalization = "batch"
    """Normalisation of the critic's hidden layers."""

    def check(self) -> None:
        super().check()
        for field in (
            "critic_steps",
            "latent_dim",
            "generator_filters",
            "critic_filters",
            "generator_learning_rate",
            "critic_learning_rate",
        ):
            if getattr(self, field) <= 0:
                raise UserError(f"{option(field)} must be positive, given {getattr(self, field)}.")
        if self.optimizer == "rmsprop" and self.beta_1 != 0.0:
            raise UserError(
                f"--beta-1 {self.beta_1} has no effect with --optimizer rmsprop: give --beta-1 0."
            )

        self._check_decay()

    def _check_decay(self) -> None:
        for field in ("decay_factor", "decay_every"):
            value = getattr(self, field)
            if (value is not None) != (self.learning_rate_decay == "stairs"):
                raise UserError(
                    "--learning-rate-decay stairs, --decay-factor and --decay-every go together; "
                    f"given --learning-rate-decay {self.learning_rate_decay} and {option(field)} "
                    f"{value}."
                )
        if self.decay_factor is not None and not 0.0 < self.decay_factor <= 1.0:
            raise UserError(f"--decay-factor must be in (0, 1], given {self.decay_factor}.")
        if self.decay_every is not None and self.decay_every < 1:
            raise UserError(f"--decay-every must be at least 1, given {self.decay_every}.")

    def critic_batches(self) -> int:
        return self.critic_steps

    def streams(self, data: "ImageData", label_map: "LabelMap | None") -> "dict[str, Stream]":
        from training.data.pipeline import Stream

        return {"real": Stream(data.train)}

    def networks(self, model: "StatelessTrainer") -> "dict[str, keras.Model]":
        return {"generator": model.generator, "critic": model.critic}

    def save_preset(
        self, model: "StatelessTrainer", directory: "pathlib.Path", *, metadata: dict[str, Any]
    ) -> None:
        from zoo.presets.trainer import save_trainer

        save_trainer(model, directory, metadata=metadata)

    def make_optimizer(
        self, learning_rate: float, *, updates_per_step: int = 1
    ) -> "keras.optimizers.Optimizer":
        """Makes an optimizer with the recipe's schedule.

        Args:
            learning_rate: float, at the run's start.
            updates_per_step: int, how often it is used in one step.
        """
        import keras

        schedule: object = learning_rate
        if self.learning_rate_decay == "linear":
            updates = self.steps * updates_per_step
            schedule = keras.optimizers.schedules.PolynomialDecay(learning_rate, updates, 0.0)
        if self.decay_every is not None:
            updates = self.decay_every * updates_per_step
            schedule = keras.optimizers.schedules.ExponentialDecay(
                learning_rate, updates, self.decay_factor, staircase=True
            )
        if self.optimizer == "rmsprop":
            # Keras adds RMSProp's epsilon under the root.
            return keras.optimizers.RMSprop(schedule, rho=self.beta_2, epsilon=self.epsilon**2)
        return keras.optimizers.Adam(
            schedule, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon
        )
