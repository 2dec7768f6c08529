"""One contender in a process of its own: builds, says it is ready, then steps when it is told to.

Started by `python -m benchmarks.train_step`. Reads one JSON line a command from standard input:
`{"seconds": s}` steps for so long; answers are JSON lines on standard output.
"""

import dataclasses
import json
import resource
import sys
import time
from typing import Any

import numpy as np

from benchmarks.train_step.cases import BATCH, Case, Contender

WARMUP_CALLS = 2


def make_step(case: Case, contender: Contender, reference: str) -> Any:
    """Makes what takes a step when it is called."""
    if contender.kind == "torch":
        from benchmarks.train_step import torch_steps

        with np.load(reference) as numbers:
            return torch_steps.Step(case, contender, dict(numbers))
    if contender.kind == "keras":
        from benchmarks.train_step import plain_keras

        return plain_keras.Step(case, contender)
    from benchmarks.train_step import ours

    return ours.Step(case, contender)


def run(step: Any, seconds: float) -> dict[str, float]:
    """Steps until the time is over; returns images a second and memory."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        step()
        calls += 1
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"images_per_second": calls * step.steps * BATCH / took, "peak_megabytes": peak}


def main(arguments: list[str]) -> int:
    """Runs the worker until its input ends."""
    case, contender = Case(**json.loads(arguments[0])), Contender(**json.loads(arguments[1]))
    start = time.perf_counter()
    step = make_step(case, contender, arguments[2])
    built = time.perf_counter()
    step()
    first = time.perf_counter()
    for _ in range(WARMUP_CALLS):
        step()
    print(
        json.dumps({"build_seconds": built - start, "first_call_seconds": first - built}),
        flush=True,
    )
    for line in sys.stdin:
        print(json.dumps(run(step, json.loads(line)["seconds"])), flush=True)
    return 0


def command(case: Case, contender: Contender, reference: str) -> list[str]:
    """Returns the command line of a worker."""
    parts = [json.dumps(dataclasses.asdict(each)) for each in (case, contender)]
    return [sys.executable, "-m", "benchmarks.train_step.worker", *parts, reference]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
