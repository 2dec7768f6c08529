"""`python -m benchmarks.train_step.means --json FILE`: what each means of going faster gains.

One process a means, all taking steps in turns in one run; each is compared with its base round by
round. What a means does beyond the recipe's options is in `changes.py`.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.machine import describe
from benchmarks.train_step.workers import QUIET, Worker, serve

BASES = {"one": ("lsgan", {}), "several": ("wgan_gp", {"critic_steps": 3})}
"""A model without a penalty and with one critic step; one with a penalty, and three."""


@dataclasses.dataclass(frozen=True)
class Means:
    """Something that may make a step faster.

    Attributes:
        name: what it is called in the table.
        options: fields of the recipe that it changes.
        change: name of a function in `changes.py`, which is given the model.
        environment: variables of its process.
        compiled: whether XLA compiles the step.
        steps_per_call: steps that TensorFlow takes before Python sees them.
        bases: of `BASES`, those that it can be applied to.
        base: name of the means that it is compared with.
    """

    name: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    change: str = ""
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    compiled: bool = False
    steps_per_call: int = 1
    bases: tuple[str, ...] = tuple(BASES)
    base: str = "as it is"


AS_IT_IS = Means("as it is")
SHARED = Means("shared latents", options={"shared_latents": True}, bases=("one",))
MEANS = [
    AS_IT_IS,
    Means("XLA", compiled=True),
    Means("10 steps a call", steps_per_call=10),
    Means("XLA, 10 steps a call", compiled=True, steps_per_call=10),
    Means("real and fake in one critic pass", change="joint_pass"),
    Means("one generator pass for all critic steps", change="one_pass", bases=("several",)),
    SHARED,
    Means(
        "shared latents, the tape kept",
        SHARED.options,
        "kept_tape",
        bases=("one",),
        base=SHARED.name,
    ),
    Means("Adam as one operation", change="fused_adam"),
    Means("without the guard", change="no_guard"),
    Means("with an average of the weights", options={"ema": 0.999}),
    Means("without oneDNN", environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
    Means("one thread between operations", environment={"TF_NUM_INTEROP_THREADS": "1"}),
    Means("one thread within operations", environment={"TF_NUM_INTRAOP_THREADS": "1"}),
]


def make_step(means: Means, base: str) -> Any:
    """Makes what takes a step when it is called, in the worker's process."""
    from zoo.environment import use_onednn

    use_onednn()
    from benchmarks.train_step import changes
    from benchmarks.train_step.cases import Case, Contender
    from benchmarks.train_step.ours import Step

    model, options = BASES[base]
    case = Case(model, "dcgan", {**options, **means.options})
    contender = Contender(
        means.name, "ours", compiled=means.compiled, steps_per_call=means.steps_per_call
    )
    return Step(case, contender, change=getattr(changes, means.change) if means.change else None)


def measure(base: str, *, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measures all means that can be applied to a base."""
    workers = {
        means.name: Worker(
            [sys.executable, "-m", __spec__.name, "--worker", means.name, base], means.environment
        )
        for means in MEANS
        if base in means.bases
    }
    try:
        for worker in workers.values():
            worker.wait()
        for _ in range(rounds):
            for worker in workers.values():
                if not worker.failed:
                    worker.round(seconds)
    finally:
        for worker in workers.values():
            worker.stop()
    rows = []
    for means in MEANS:
        if base not in means.bases:
            continue
        worker, other = workers[means.name], workers[means.base]
        gains = [a / b for a, b in zip(worker.rounds, other.rounds, strict=False)]
        rows.append(
            {
                "means": means.name,
                "base": means.base,
                "images_per_second": worker.rounds,
                "gain": statistics.median(gains) if gains else None,
                "least": min(gains, default=None),
                "most": max(gains, default=None),
                "peak_megabytes": worker.peak_megabytes,
                "failed": worker.failed,
            }
        )
    return rows


def main(arguments: Sequence[str]) -> int:
    """Measures, prints, and writes the JSON file."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_step.means", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements each (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each (default: 1.5)")
    parser.add_argument("--json", type=pathlib.Path, help="file to write")
    parser.add_argument("--worker", nargs=2, metavar=("MEANS", "BASE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        name, base = options.worker
        (means,) = [means for means in MEANS if means.name == name]
        return serve(lambda: make_step(means, base))
    if options.json is None:
        parser.error("--json FILE is needed")
    document: dict[str, Any] = {"machine": describe(), "seconds": options.seconds, "bases": {}}
    for base, (model, _) in BASES.items():
        rows = measure(base, rounds=options.rounds, seconds=options.seconds)
        document["bases"][model] = rows
        options.json.write_text(json.dumps(document, indent=1) + "\n")
        for row in rows:
            said = row["failed"] or f"{row['gain']:.2f} ({row['least']:.2f} to {row['most']:.2f})"
            print(f"{model:<10}{row['means']:<42}{said}", flush=True)
    return 0


if __name__ == "__main__":
    os.environ.update(QUIET)
    sys.exit(main(sys.argv[1:]))
