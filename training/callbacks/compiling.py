"""The first step of a run that XLA compiles: its place in XLA's cache, and its progress."""

import time

from training.callbacks.counting import CountingCallback
from zoo.traced_names import round_up_names


class Compiling(CountingCallback):
    """Prints a line before XLA compiles the step, and the seconds of the first step after it.

    It also makes the names of the traced functions independent of what was traced before, so that
    the next start finds the compiled step in XLA's cache.
    """

    def __init__(self, *, first_step: int = 0):
        super().__init__(first_step=first_step)
        self._started: float | None = None
        self._compiled = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self.model.jit_compile and not self._compiled:
            print(
                "XLA compiles the step; this takes about a minute the first time, and seconds "
                "after that ...",
                flush=True,
            )
            self._started = time.monotonic()
            round_up_names()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self._started is not None:
            seconds = time.monotonic() - self._started
            print(f"The first step is done after {seconds:.1f} s.", flush=True)
            self._started, self._compiled = None, True
