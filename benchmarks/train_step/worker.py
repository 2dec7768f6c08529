"""One contender in a process of its own, started by `python -m benchmarks.train_step`."""

import dataclasses
import json
import sys
from typing import Any

import numpy as np

from benchmarks.train_step.cases import Case, Contender
from benchmarks.train_step.workers import serve


def make_step(case: Case, contender: Contender, reference: str) -> Any:
    """Makes what takes a step when it is called."""
    if contender.kind == "torch":
        from benchmarks.train_step import torch_gpu, torch_steps

        with np.load(reference) as numbers:
            on_gpu = torch_gpu.DEVICE != "cpu"
            kind: Any = torch_gpu.Calls if on_gpu else torch_steps.Step
            return kind(case, contender, dict(numbers))
    if contender.kind == "keras":
        from benchmarks.train_step import plain_keras

        return plain_keras.Step(case, contender)
    from benchmarks.train_step import ours

    return ours.Step(case, contender)


def main(arguments: list[str]) -> int:
    """Runs the worker until its input ends."""
    case, contender = Case(**json.loads(arguments[0])), Contender(**json.loads(arguments[1]))
    return serve(lambda: make_step(case, contender, arguments[2]))


def command(case: Case, contender: Contender, reference: str) -> list[str]:
    """Returns the command line of a worker."""
    parts = [json.dumps(dataclasses.asdict(each)) for each in (case, contender)]
    return [sys.executable, "-m", "benchmarks.train_step.worker", *parts, reference]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
