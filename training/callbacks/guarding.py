"""Warnings about steps that were skipped because a value was not finite."""

import sys

import keras

from training.callbacks.counting import CountingCallback
from training.errors import NotFinite
from zoo.models.stepping import IN_A_ROW, OFFENDER, TOTAL

LIMIT = 20


class Guarding(CountingCallback):
    """Prints a warning for each skipped step; raises `NotFinite` after 20 in a row.

    Args:
        first_step: int, number of steps before this start of the run.
    """

    def __init__(self, *, first_step: int = 0):
        super().__init__(first_step=first_step)
        self._seen: int | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._seen = int(keras.ops.convert_to_numpy(self.model.guard)[TOTAL])

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if logs is None or int(logs["skipped_steps"]) == self._seen:
            return
        guard = keras.ops.convert_to_numpy(self.model.guard)
        self._seen, in_a_row = int(guard[TOTAL]), int(guard[IN_A_ROW])
        place = int(guard[OFFENDER])
        name = "a logged value" if place < 0 else self.model.guarded_names[place]
        several = self.model.steps_per_execution
        first = f"one of steps {self.run_step - several + 1} to " if several > 1 else "step "
        print(
            f"\nwarning: {first}{self.run_step} was skipped, {name} was not finite "
            f"({in_a_row} in a row, {self._seen} in all)",
            file=sys.stderr,
        )
        if in_a_row >= LIMIT:
            raise NotFinite(
                f"{in_a_row} steps in a row were not finite, the last one in {name}. The "
                "checkpoints are from earlier steps. Try a lower learning rate, or float32."
            )
