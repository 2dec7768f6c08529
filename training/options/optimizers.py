"""Options of both optimizers, and the optimizers made of them."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from zoo.options import Count, Factor, Options, Positive, Share

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions(Options):
    """Optimizers of both networks, and the schedule of their learning rates."""

    optimizer: Literal["adam", "rmsprop"] = "adam"
    """Optimizer of both networks."""
    generator_learning_rate: Positive = 2e-4
    """Learning rate of the generator."""
    critic_learning_rate: Positive = 2e-4
    """Learning rate of the critic."""
    beta_1: Share = 0.5
    """Decay of the first moment, in both optimizers; must be 0 for RMSProp, which has none."""
    beta_2: Share = 0.999
    """Decay of the second moment, in both optimizers; rho of RMSProp."""
    epsilon: Positive = 1e-7
    """Number that both optimizers add to the root of the second moment."""
    learning_rate_decay: Literal["none", "linear", "stairs"] = "none"
    """`linear` reduces both learning rates to 0 over the run; `stairs` multiplies them by
    `decay_factor` every `decay_every` steps."""
    decay_factor: Factor | None = None
    """Factor of `stairs`, above 0 and at most 1."""
    decay_every: Count | None = None
    """Generator steps between the factors of `stairs`."""

    def check(self) -> None:
        super().check()
        if self.optimizer == "rmsprop" and self.beta_1 != 0.0:
            raise ValueError(
                f"`beta_1` {self.beta_1} has no effect with `optimizer` rmsprop: give `beta_1` 0."
            )
        for name in ("decay_factor", "decay_every"):
            value = getattr(self, name)
            if (value is not None) != (self.learning_rate_decay == "stairs"):
                raise ValueError(
                    "`learning_rate_decay` stairs, `decay_factor` and `decay_every` need each "
                    f"other; given `learning_rate_decay` {self.learning_rate_decay} and `{name}` "
                    f"{value}."
                )

    def make(
        self, learning_rate: float, *, steps: int, updates_per_step: int = 1
    ) -> "keras.optimizers.Optimizer":
        """Creates an optimizer with the schedule of the learning rate.

        Args:
            learning_rate: float, at the start of the run.
            steps: int, length of the run.
            updates_per_step: int, updates of this optimizer in one step.
        """
        import keras

        schedule: object = learning_rate
        if self.learning_rate_decay == "linear":
            updates = steps * updates_per_step
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
