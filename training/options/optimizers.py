"""Options of both optimizers, and the optimizers made of them."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from zoo.options import Count, Factor, NotNegative, Options, Positive, Share

if TYPE_CHECKING:
    import keras

Name = Literal["adam", "rmsprop", "sgd"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions(Options):
    """Optimizers of both networks, and the schedule of their learning rates."""

    optimizer: Name = "adam"
    """Optimizer of both networks."""
    critic_optimizer: Name | None = None
    """Optimizer of the critic, if it differs from `optimizer`."""
    generator_learning_rate: Positive = 2e-4
    """Learning rate of the generator."""
    critic_learning_rate: Positive = 2e-4
    """Learning rate of the critic."""
    beta_1: Share = 0.5
    """Decay of the first moment of Adam; must be 0 without Adam, because only Adam has one."""
    beta_2: Share = 0.999
    """Decay of the second moment of Adam; rho of RMSProp."""
    final_beta_2: Share | None = None
    """`beta_2` of Adam from the end of the burn-in on; needs `burn_in`."""
    epsilon: Positive = 1e-7
    """Number that Adam and RMSProp add to the root of the second moment."""
    momentum: Share = 0.9
    """Nesterov momentum of SGD."""
    critic_weight_decay: NotNegative = 0.0
    """Decoupled weight decay of the critic: each update multiplies its kernels by 1 minus learning
    rate times this number. Biases, normalisation layers and the generator have none."""
    learning_rate_decay: Literal["none", "linear", "cosine", "stairs", "burn_in"] = "none"
    """`linear` and `cosine` reduce both learning rates to 0 over the run; `stairs` multiplies them
    by `decay_factor` every `decay_every` steps; `burn_in` reduces them to `decay_factor` times
    their start, along half a cosine over the share `burn_in` of the run."""
    decay_factor: Factor | None = None
    """Factor of `stairs` and `burn_in`, above 0 and at most 1."""
    decay_every: Count | None = None
    """Generator steps between the factors of `stairs`."""
    warm_up: Share = 0.0
    """Share of the run over which both learning rates rise linearly from 0; `learning_rate_decay`
    acts from the first step all the same."""

    def check(self) -> None:
        super().check()
        self._check_names()
        decay = self.learning_rate_decay
        for name, needed in (
            ("decay_factor", decay in ("stairs", "burn_in")),
            ("decay_every", decay == "stairs"),
        ):
            value = getattr(self, name)
            if (value is not None) != needed:
                raise ValueError(
                    "`learning_rate_decay` stairs, `decay_factor` and `decay_every` need each "
                    "other, and `learning_rate_decay` burn_in needs `decay_factor` alone; given "
                    f"`learning_rate_decay` {decay} and `{name}` {value}."
                )

    @property
    def needs_burn_in(self) -> str | None:
        """The option that needs `burn_in`, with its value; None if there is none."""
        if self.learning_rate_decay == "burn_in":
            return "`learning_rate_decay` burn_in"
        return None if self.final_beta_2 is None else f"`final_beta_2` {self.final_beta_2}"

    def _check_names(self) -> None:
        """Checks that the chosen optimizers use every option that differs from its default."""
        chosen = {self.optimizer, self.critic_optimizer or self.optimizer}
        if self.beta_1 != 0.0 and "adam" not in chosen:
            named = " and ".join(sorted(chosen))
            raise ValueError(
                f"`beta_1` {self.beta_1} has no effect with `optimizer` {named}: give `beta_1` 0."
            )
        unused: tuple[str, ...] = () if "sgd" in chosen else ("momentum",)
        if chosen == {"sgd"}:
            unused = ("beta_2", "epsilon")
        if "adam" not in chosen:
            unused = (*unused, "final_beta_2")
        for field in dataclasses.fields(OptimizerOptions):
            value = getattr(self, field.name)
            if field.name in unused and value != field.default:
                named = " and ".join(sorted(chosen))
                raise ValueError(
                    f"`{field.name}` {value} has no effect with `optimizer` {named}: leave it out, "
                    f"or give its default {field.default}."
                )

    def make(
        self,
        learning_rate: float,
        *,
        steps: int,
        updates_per_step: int = 1,
        burn_in: int = 1,
        critic: "keras.Model | None" = None,
    ) -> "keras.optimizers.Optimizer":
        """Creates an optimizer with the schedule of the learning rate.

        Args:
            learning_rate: float, at the start of the run, or at the end of the warm-up.
            steps: int, length of the run.
            updates_per_step: int, updates of this optimizer in one step.
            burn_in: int, length of the burn-in in steps.
            critic: the network of this optimizer if that is the critic, or takes its place. It may
                have another optimizer than the generator, and has weight decay.
        """
        import keras

        burn_in *= updates_per_step
        schedule = self._schedule(
            learning_rate, steps * updates_per_step, updates_per_step, burn_in=burn_in
        )
        name, weight_decay = self.optimizer, None
        if critic is not None:
            name = self.critic_optimizer or self.optimizer
            weight_decay = self.critic_weight_decay or None
        optimizer: keras.optimizers.Optimizer
        if name == "rmsprop":
            # Keras adds RMSProp's epsilon under the root.
            optimizer = keras.optimizers.RMSprop(
                schedule, rho=self.beta_2, epsilon=self.epsilon**2, weight_decay=weight_decay
            )
        elif name == "sgd":
            optimizer = keras.optimizers.SGD(
                schedule,
                momentum=float(self.momentum),
                nesterov=self.momentum > 0,
                weight_decay=weight_decay,
            )
        else:
            optimizer = self._adam(schedule, burn_in=burn_in, weight_decay=weight_decay)
        if critic is not None and weight_decay is not None:
            # By variable: under MirroredStrategy a replica's variable has another name.
            others = [v for v in critic.trainable_variables if not v.name.endswith("kernel")]
            optimizer.exclude_from_weight_decay(var_list=others)
        return optimizer

    def _adam(
        self,
        learning_rate: "keras.optimizers.schedules.LearningRateSchedule | float",
        *,
        burn_in: int,
        weight_decay: float | None,
    ) -> "keras.optimizers.Adam":
        """Creates Adam; the burn-in is in updates."""
        import keras

        from training.scheduled_adam import ScheduledAdam
        from training.schedules import HalfCosine

        if self.final_beta_2 is not None:
            return ScheduledAdam(
                learning_rate,
                beta_1=self.beta_1,
                beta_2_schedule=HalfCosine(self.beta_2, self.final_beta_2, burn_in),
                epsilon=self.epsilon,
                weight_decay=weight_decay,
            )
        return keras.optimizers.Adam(
            learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=weight_decay,
        )

    def _schedule(
        self, learning_rate: float, updates: int, updates_per_step: int, *, burn_in: int
    ) -> "keras.optimizers.schedules.LearningRateSchedule | float":
        """Returns the learning rate as a function of the update; a float if it is constant.

        Args:
            learning_rate: float, at the start of the run.
            updates: int, updates in the whole run.
            updates_per_step: int, updates in one step.
            burn_in: int, updates of the burn-in.
        """
        from keras.optimizers import schedules

        from training.schedules import HalfCosine, WarmUp

        schedule: schedules.LearningRateSchedule | float = learning_rate
        if self.learning_rate_decay == "linear":
            schedule = schedules.PolynomialDecay(learning_rate, updates, 0.0)
        if self.learning_rate_decay == "cosine":
            schedule = schedules.CosineDecay(learning_rate, updates)
        if self.learning_rate_decay == "burn_in":
            last = learning_rate * (self.decay_factor or 1.0)
            schedule = HalfCosine(learning_rate, last, burn_in)
        if self.decay_every is not None:
            schedule = schedules.ExponentialDecay(
                learning_rate,
                self.decay_every * updates_per_step,
                self.decay_factor,
                staircase=True,
            )
        if self.warm_up:
            schedule = WarmUp(schedule, max(1, round(self.warm_up * updates)))
        return schedule
