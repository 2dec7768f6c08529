"""Adam whose decay of the second moment changes during a run."""

from typing import Any, Self

import keras
from keras import ops

from training.schedules import HalfCosine


@keras.saving.register_keras_serializable(package="zoo")
class ScheduledAdam(keras.optimizers.Adam):
    """Adam with a beta 2 that is a function of the update.

    The correction of the second moment uses the current beta 2, as PyTorch's Adam does if beta 2 is
    changed between its steps.

    Args:
        learning_rate: float or a schedule.
        beta_1: float in [0, 1).
        beta_2_schedule: a schedule of beta 2.
        epsilon: float, added to the root of the second moment.
        weight_decay: float, decoupled weight decay; None for none.
        name: str, the optimizer's name.

    Source: Kingma and Ba, arXiv 1412.6980; training_loop.py of brownvc/R3GAN for the schedule.
    """

    def __init__(
        self,
        learning_rate: keras.optimizers.schedules.LearningRateSchedule | float,
        *,
        beta_1: float,
        beta_2_schedule: HalfCosine,
        epsilon: float,
        weight_decay: float | None = None,
        name: str = "adam",
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2_schedule.first,
            epsilon=epsilon,
            weight_decay=weight_decay,
            name=name,
        )
        self.beta_2_schedule = beta_2_schedule

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        kind = variable.dtype
        update = ops.cast(self.iterations + 1, kind)
        beta_1 = ops.cast(self.beta_1, kind)
        beta_2 = ops.cast(self.beta_2_schedule(self.iterations), kind)
        gradient = ops.cast(gradient, kind)
        place = self._get_variable_index(variable)
        first, second = self._momentums[place], self._velocities[place]
        self.assign_add(first, (1 - beta_1) * (gradient - first))
        self.assign_add(second, (1 - beta_2) * (ops.square(gradient) - second))
        correction = ops.sqrt(1 - ops.power(beta_2, update)) / (1 - ops.power(beta_1, update))
        rate = correction * ops.cast(learning_rate, kind)
        self.assign_sub(variable, rate * first / (ops.sqrt(second) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        kept = ("name", "learning_rate", "weight_decay", "beta_1", "epsilon")
        config = super().get_config()
        schedule = keras.saving.serialize_keras_object(self.beta_2_schedule)
        return {name: config[name] for name in kept} | {"beta_2_schedule": schedule}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Self:
        schedule = keras.saving.deserialize_keras_object(config["beta_2_schedule"])
        return super().from_config(config | {"beta_2_schedule": schedule}, custom_objects)
