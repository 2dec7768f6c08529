"""Schedules of an optimizer that Keras does not have."""

import keras

from zoo.schedules import half_cosine


@keras.saving.register_keras_serializable(package="zoo")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0, multiplied by any other schedule.

    The other schedule does not wait, so it ends when it would end without the rise.

    Args:
        schedule: a Keras schedule, or a float for a constant rate.
        updates: int, number of updates until the rise ends, at least 1.

    Example:
    >>> [float(WarmUp(0.5, 4)(update)) for update in (0, 1, 4, 9)]
    [0.0, 0.125, 0.5, 0.5]
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule | float, updates: int
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.updates = updates

    def __call__(self, step: object) -> object:
        rate = self.schedule if isinstance(self.schedule, float) else self.schedule(step)
        return rate * keras.ops.minimum(1.0, keras.ops.cast(step, "float32") / self.updates)

    def get_config(self) -> dict[str, object]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "updates": self.updates}

    @classmethod
    def from_config(cls, config: dict) -> "WarmUp":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["updates"])


@keras.saving.register_keras_serializable(package="zoo")
class HalfCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A value that moves along half a cosine, and then stays; see `zoo.schedules.half_cosine`.

    Args:
        first: float, the value at update 0.
        last: float, the value from update `updates` on.
        updates: int, number of updates until the last value, at least 1.

    Example:
    >>> [round(float(HalfCosine(4.0, 2.0, 2)(update)), 5) for update in (0, 1, 2, 9)]
    [4.0, 3.0, 2.0, 2.0]
    """

    def __init__(self, first: float, last: float, updates: int) -> None:
        super().__init__()
        self.first = first
        self.last = last
        self.updates = updates

    def __call__(self, step: object) -> object:
        step = keras.ops.convert_to_tensor(step)
        return half_cosine(step, first=self.first, last=self.last, steps=self.updates)

    def get_config(self) -> dict[str, object]:
        return {"first": self.first, "last": self.last, "updates": self.updates}
