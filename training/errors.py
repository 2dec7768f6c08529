"""Reasons for which a run ends other than by success or by a user's mistake."""

import signal


class Interrupted(Exception):
    """The run was told to stop, and its state is saved.

    Attributes:
        signal_number: int, SIGINT or SIGTERM.
    """

    def __init__(self, signal_number: int):
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number


class WorkerLost(Exception):
    """Another process of the run has ended; commands exit with code 4, to be started again."""


class NotFinite(Exception):
    """Training came to nothing but numbers that are not finite; commands exit with code 3."""
