"""Processes that take steps in turns: the one that asks, and the ones that are asked.

A worker builds its step, says so, and steps when it is told to: it reads a JSON line a command from
standard input, `{"seconds": s}`, and answers with one on standard output.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.train_step.cases import BATCH

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
"""Variables of all processes: no log, and no more GPU memory than is needed."""
WARMUP_CALLS = 2


class Worker:
    """A worker's process, which builds its step; `failed` is the last line of its error, if any.

    Args:
        command: starts it.
        environment: variables that it has besides this process's.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None):
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **QUIET, **(environment or {})},
        )
        self.rounds: list[float] = []
        self.peak_megabytes = 0.0
        self.failed = ""
        self.started: dict[str, float] = {}

    def wait(self) -> None:
        """Waits until the process is ready to step."""
        self.started = self._answer()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout is not None and self.process.stderr is not None
        if line := self.process.stdout.readline():
            return json.loads(line)
        said = [line for line in self.process.stderr.read().splitlines() if "Error" in line]
        self.failed = said[-1].strip() if said else f"ended with {self.process.wait()}"
        return {}

    def round(self, seconds: float) -> float:
        """Has it step for so long; returns images a second."""
        assert self.process.stdin is not None
        print(json.dumps({"seconds": seconds}), file=self.process.stdin, flush=True)
        answer = self._answer()
        self.peak_megabytes = answer.get("peak_megabytes", 0.0)
        self.rounds.append(answer.get("images_per_second", 0.0))
        return self.rounds[-1]

    def stop(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()


def serve(make_step: Callable[[], Any]) -> int:
    """Is the worker, until its input ends; returns the exit code."""
    start = time.perf_counter()
    step = make_step()
    built = time.perf_counter()
    step()
    first = time.perf_counter()
    for _ in range(WARMUP_CALLS):
        step()
    said = {"build_seconds": built - start, "first_call_seconds": first - built}
    print(json.dumps(said), flush=True)
    for line in sys.stdin:
        print(json.dumps(_run(step, json.loads(line)["seconds"])), flush=True)
    return 0


def _run(step: Any, seconds: float) -> dict[str, float]:
    """Steps until the time is over; returns images a second and memory."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        step()
        calls += 1
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"images_per_second": calls * step.steps * BATCH / took, "peak_megabytes": peak}
