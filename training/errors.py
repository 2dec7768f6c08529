"""Errors that end a run, other than a mistake of the user."""

import signal


class Interrupted(Exception):
    """The process received a signal to stop, and the state of the run is saved.

    Attributes:
        signal_number: int, SIGINT or SIGTERM.
    """

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class WorkerLost(Exception):
    """Another process of the run has ended. Commands exit with code 4 and can be started again."""


class NotFinite(Exception):
    """Training gave non-finite numbers many times in a row. Commands exit with code 3."""
