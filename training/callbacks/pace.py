"""The pace of a run: seconds per step, the share of waiting, and when the run will end."""

import time

from training.callbacks.counting import CountingCallback
from training.length import duration, until
from training.waiting import Waiting

LEAST_SECONDS, LEAST_CALLS = 5.0, 5
"""The run is measured for so long before the time of its end is printed."""


class Pace(CountingCallback):
    """Measures the seconds per step, and prints once when the run will end.

    The first call is left out, because it compiles the step.

    Args:
        steps: int, length of the run.
        announces: bool; False if the time of the end is known already.
        waiting: the waits for batches.
        first_step: int, number of steps before this start of the run.
    """

    def __init__(
        self, *, steps: int, waiting: Waiting, announces: bool = True, first_step: int = 0
    ):
        super().__init__(first_step=first_step)
        self.steps = steps
        self.announces = announces
        self.waiting = waiting
        self._started = 0.0
        self._from: int | None = None
        self._calls = 0
        self._last = self._waited = 0.0
        self._stepping = self._all_waits = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._last = 0.0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        self._count_waiting()
        if self._from is None:
            self._started, self._from = time.perf_counter(), self.run_step
            return
        self._calls += 1
        if not self.announces or self._calls < LEAST_CALLS:
            return
        elapsed = time.perf_counter() - self._started
        if elapsed >= LEAST_SECONDS and self.run_step < self.steps:
            self.announces = False
            left = elapsed / (self.run_step - self._from) * (self.steps - self.run_step)
            print(
                f"\nAbout {duration(left)} for the other {self.steps - self.run_step:,} steps, "
                f"until {until(left)}.",
                flush=True,
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs |= self.waiting_share()

    def _count_waiting(self) -> None:
        """Adds the time since the last call, and its waits; reports are left out."""
        if not self.waiting.is_measured:
            return
        now, waited = time.perf_counter(), self.waiting.seconds()
        if self._last:
            self._stepping += now - self._last
            self._all_waits += waited - self._waited
        self._last, self._waited = now, waited

    def waiting_share(self) -> dict[str, float]:
        """Returns `waiting`, the share of the steps' time; nothing if it is not measured."""
        if not self._stepping:
            return {}
        return {"waiting": round(self._all_waits / self._stepping, 4)}

    def seconds_per_step(self) -> float | None:
        """Returns the mean duration of a step until now; None if there was no second call."""
        if self._from is None or self.run_step == self._from:
            return None
        return (time.perf_counter() - self._started) / (self.run_step - self._from)
