"""Checkpoints every so many steps, and when the run is told to stop."""

import signal
from types import FrameType

from training.callbacks.counting import CountingCallback
from training.checkpoint import Checkpoints
from training.errors import Interrupted


class StopRequest:
    """Notes Ctrl-C and SIGTERM, so that the step under way is finished; a second Ctrl-C stops now.

    Example:
    >>> with StopRequest() as request:
    ...     print(request.signal_number)
    None
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, object] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
        print("\nStopping after this step; its state will be saved.", flush=True)

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


class Saving(CountingCallback):
    """Saves every `every` steps; on a stop request saves and raises `Interrupted`.

    Of several hosts only the one that writes stops by itself. The others would leave it waiting
    for them in its last step; they go on, and end when it is gone.

    Args:
        checkpoints: where to save.
        every: int, steps between checkpoints.
        request: the stop request that is watched.
        first_step: int, steps that were taken before.
    """

    def __init__(
        self, checkpoints: Checkpoints, *, every: int, request: StopRequest, first_step: int = 0
    ):
        super().__init__(first_step=first_step)
        self.checkpoints = checkpoints
        self.every = every
        self.request = request

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        stop = self.request.signal_number if self.checkpoints.writes else None
        if stop is not None or self.run_step % self.every == 0:
            self.checkpoints.save()
        if stop is not None:
            raise Interrupted(stop)
