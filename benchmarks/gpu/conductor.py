"""Starts worker processes side by side, waits for all of them, and asks one at a time.

Compiling takes most of a short lease, so several workers compile at once. Timing starts when all
are ready, so that the device is quiet, and goes round by round over all of them.
"""

import collections
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Key = TypeVar("Key")

TAIL = 1500
"""Characters of a failed process's standard error that are reported."""


class Process:
    """A worker process that speaks JSON lines.

    Args:
        module: name of the Python module to run.
        arguments: its command line.
        environment: variables besides this process's own; `XLA_FLAGS` are appended.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ):
        variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
        for name, value in (environment or {}).items():
            both = f"{variables.get(name, '')} {value}".strip() if name == "XLA_FLAGS" else value
            variables[name] = both
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=variables,
        )
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.put(json.loads(line))
        self.lines.put(None)

    def answer(self, until: float) -> dict[str, Any]:
        """Waits for the next line; ends a process that is late.

        Args:
            until: time of `time.monotonic()` at which to give up.
        """
        try:
            found = self.lines.get(timeout=max(0.05, until - time.monotonic()))
        except queue.Empty:
            self.stop()
            return {"failed": "not ready in time"}
        if found is None:
            self.process.wait()
            self.errors.seek(0)
            return {"failed": f"ended with {self.process.returncode}: {self.errors.read()[-TAIL:]}"}
        return found

    def poll(self) -> dict[str, Any] | None:
        """Returns the next line if there is one, without waiting."""
        return None if self.lines.empty() else self.answer(time.monotonic())

    def ask(self, question: Mapping[str, Any]) -> None:
        """Sends one line."""
        assert self.process.stdin is not None
        try:
            print(json.dumps(question), file=self.process.stdin, flush=True)
        except OSError:
            self.lines.put(None)

    def stop(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()


def first_answers(
    starts: Mapping[Key, Callable[[], Process]], *, at_once: int, until: float
) -> dict[Key, dict[str, Any]]:
    """Starts processes in order, a few at a time; returns the first line of each.

    More processes than cores only slow each other down, and the last ones are lost then.

    Args:
        starts: functions that start the processes, by key.
        at_once: number of processes without an answer.
        until: time of `time.monotonic()` at which to give up.
    """
    waiting, found = collections.deque(starts), dict[Key, dict[str, Any]]()
    running: dict[Key, Process] = {}
    while (waiting or running) and time.monotonic() < until:
        while waiting and len(running) < at_once:
            key = waiting.popleft()
            running[key] = starts[key]()
        for key, process in list(running.items()):
            if (answer := process.poll()) is not None:
                found[key] = answer
                del running[key]
        time.sleep(0.1)
    for key, process in running.items():
        process.stop()
        found[key] = {"failed": "not ready in time"}
    return found | {key: {"failed": "not started in time"} for key in waiting}
