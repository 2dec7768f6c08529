"""Images per second in the logs, and a short progress bar."""

import resource
import time

from training.callbacks.counting import CountingCallback


class Throughput(CountingCallback):
    """Adds `images_per_second` (real images on all devices), `kimg` and `memory_mb` to the logs.

    Args:
        images_per_step: int, number of real images in one step.
        first_step: int, number of steps before this start of the run.
    """

    def __init__(self, *, images_per_step: int, first_step: int = 0):
        super().__init__(first_step=first_step)
        self.images_per_step = images_per_step
        self._started = 0.0
        self._from: int | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._started, self._from = time.perf_counter(), None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        # The first call compiles the step, so it is not counted.
        if self._from is None:
            self._started, self._from = time.perf_counter(), self.run_step
        if logs is not None:
            logs["images_per_second"] = self._rate()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs["images_per_second"] = self._rate()
            logs["kimg"] = self.run_step * self.images_per_step / 1000
            peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            logs["memory_mb"] = peak_kilobytes / 1024

    def _rate(self) -> float:
        seconds = time.perf_counter() - self._started
        steps = self.run_step - (self.run_step if self._from is None else self._from)
        return round(steps * self.images_per_step / max(seconds, 1e-9))


class ProgressFilter(CountingCallback):
    """Removes all but some values from the logs that Keras prints; must be the last callback.

    Args:
        names: names of the values to print.
    """

    def __init__(self, names: tuple[str, ...]):
        super().__init__()
        self.names = names

    def _prune(self, logs: dict | None) -> None:
        if logs is not None:
            for name in set(logs) - set(self.names):
                del logs[name]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._prune(logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._prune(logs)
