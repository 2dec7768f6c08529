"""Checkpoints at regular steps and after a stop signal."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from training.callbacks.counting import CountingCallback
from training.checkpoint import Checkpoints
from training.errors import Interrupted
from training.lock import RunLock


class StopRequest:
    """Records Ctrl-C and SIGTERM, so that the current step can finish; a second Ctrl-C stops now.

    Only the main thread of a process can handle signals. In another thread nothing is recorded.

    Example:
    >>> with StopRequest() as request:
    ...     print(request.signal_number)
    None
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, object] = {}

    def _record(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
        # The output may be closed, and a handler must not raise an error because of that.
        with contextlib.suppress(OSError):
            print("\nStopping after this step; its state will be saved.", flush=True)

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._record)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


class Saving(CountingCallback):
    """Saves every `every` steps. After a stop request it saves and raises `Interrupted`.

    With several hosts, only the chief stops by itself. If the others stopped, the chief would
    wait for them in its last step. They continue, and end when the chief has ended.

    Args:
        checkpoints: the checkpoints to write.
        every: int, steps between checkpoints.
        request: the stop request to check after each step.
        first_step: int, number of steps before this start of the run.
        lock: the lock of the run's folder, which is checked before each checkpoint.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        *,
        every: int,
        request: StopRequest,
        first_step: int = 0,
        lock: RunLock | None = None,
    ):
        super().__init__(first_step=first_step)
        self.checkpoints = checkpoints
        self.every = every
        self.request = request
        self.lock = lock

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        stop = self.request.signal_number if self.checkpoints.writes else None
        if stop is not None or self.run_step % self.every == 0:
            if self.lock is not None:
                self.lock.check()
            self.checkpoints.save()
        if stop is not None:
            raise Interrupted(stop)


@contextlib.contextmanager
def saving_if_closed(checkpoints: Checkpoints) -> Iterator[None]:
    """Saves the state if the reader of the output has ended, as `head` does.

    Raises:
        BrokenPipeError: the output is closed; the state is saved.
    """
    try:
        yield
    except BrokenPipeError:
        checkpoints.save()
        raise
