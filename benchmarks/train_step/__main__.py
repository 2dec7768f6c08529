"""`python -m benchmarks.train_step`: images a second of a GAN step, here and elsewhere, in one run.

Each contender is a process; they step in turns, a round after the other, so that what the machine
does besides falls on all of them. One that is many times slower than the fastest in the first round
is not asked again; bfloat16 is left out where the processor has no instructions for it. Needs the
extra `[bench]`.

On a machine with an NVIDIA GPU all contenders run there, with TF32 in float32 products on all
sides, and some processes compile at once. Each row states the model FLOP utilisation: the
operations of convolutions and matrix products per second, over the measured rate of matrix products
in the same precision.
"""

import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.machine import describe, gpu_name, versions
from benchmarks.train_step.cases import (
    CASES,
    CONTENDERS,
    GPU_CONTENDERS,
    MODELS,
    NETWORKS,
    Case,
    Contender,
)
from benchmarks.train_step.worker import command
from benchmarks.train_step.workers import QUIET, Worker
from training.processor import computes_bfloat16

HOPELESS = 3.0
AT_ONCE = 8
"""Processes that compile at once on a machine with a GPU."""
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def contenders(*, only: str = "") -> list[Contender]:
    """Returns those that this machine can run at a speed worth measuring.

    Args:
        only: a part of their names.
    """
    if gpu_name() is not None:
        return [c for c in GPU_CONTENDERS if only in c.name]
    return [c for c in CONTENDERS if (computes_bfloat16() or not c.bfloat16) and only in c.name]


def environment(contender: Contender, batch: int) -> dict[str, str]:
    """Returns the variables that a contender's process has besides this one's."""
    of_batch = {"BENCHMARK_BATCH": str(batch)}
    if contender.onednn is None:
        return of_batch
    return of_batch | {ONEDNN: str(int(contender.onednn))}


def start(case: Case, asked: list[Contender], batch: int, reference: str, at_once: int) -> list:
    """Starts the processes of the contenders, a few at a time, and waits until all are ready."""
    workers: list[Worker] = []
    for first in range(0, len(asked), at_once):
        part = [
            Worker(command(case, contender, reference), environment(contender, batch))
            for contender in asked[first : first + at_once]
        ]
        workers += part
        for worker in part:
            worker.wait()
    return workers


def measure(
    case: Case,
    asked: list[Contender],
    *,
    batch: int,
    rounds: int,
    seconds: float,
    at_once: int,
    matrix_rate: dict[str, float],
) -> dict[str, Any]:
    """Measures contenders of one case.

    Raises:
        SystemExit: they do not do the same work.
    """
    with tempfile.TemporaryDirectory() as scratch:
        reference = str(pathlib.Path(scratch) / "reference.npz")
        # On the CPU, where float32 is float32 in all frameworks.
        variables = {"BENCHMARK_BATCH": str(batch), "CUDA_VISIBLE_DEVICES": ""}
        check = json.loads(_output("reference", case.model, case.network, reference, **variables))
        if not check["equal"]:
            raise SystemExit(f"error: {case.name}: not the same work: {check}")
        workers: list[Worker] = []
        try:
            workers = start(case, asked, batch, reference, at_once)
            running = [worker for worker in workers if not worker.failed]
            for number in range(rounds):
                fastest = max((w.rounds[0] for w in running if w.rounds), default=0.0)
                for worker in running:
                    if number == 0 or worker.rounds[0] * HOPELESS > fastest:
                        worker.round(seconds)
        finally:
            for worker in workers:
                worker.stop()
    rows: list[dict[str, Any]] = [
        {
            "contender": contender.name,
            "images_per_second": statistics.median(worker.rounds) if worker.rounds else 0.0,
            "rounds": worker.rounds,
            "peak_megabytes": worker.peak_megabytes,
            "failed": worker.failed,
            "flop_utilisation": 0.0,
            **worker.started,
        }
        for contender, worker in zip(asked, workers, strict=True)
    ]
    for contender, row in zip(asked, rows, strict=True):
        rate = matrix_rate["bfloat16" if contender.bfloat16 else "float32"]
        row["flop_utilisation"] = row["images_per_second"] / batch * check["flops"] / rate
    return {"case": f"{case.name}, {batch}", "batch": batch, "check": check, "rows": rows}


def matrix_rate() -> dict[str, float]:
    """Returns the better of the rates of matrix products with oneDNN's kernels and without.

    They are those of the GPU if there is one.
    """
    rates = [json.loads(_output("roofline", **{ONEDNN: choice})) for choice in "01"]
    return {dtype: max(rate[dtype] for rate in rates) for dtype in rates[0]}


def _output(module: str, *arguments: str, **variables: str) -> str:
    words = [sys.executable, "-m", f"benchmarks.train_step.{module}", *arguments]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, **QUIET, **variables}
    )
    if not done.stdout.strip():
        raise SystemExit(f"error: {module}: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]


def main(arguments: Sequence[str]) -> int:
    """Measures, prints each case as it is done, and writes the JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_step", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[64], help="default: 64")
    parser.add_argument("--only", default="", help="a part of the contenders' names")
    parser.add_argument("--rounds", type=int, default=5, help="measurements each (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each (default: 2)")
    parser.add_argument(
        "--at-once", type=int, help="processes that compile (default: 1; 8 with a GPU)"
    )
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    gpu = gpu_name()
    document: dict[str, Any] = {
        "machine": describe(),
        "gpu": gpu,
        "versions": versions(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "matrix_rate": matrix_rate(),
        "cases": [],
    }
    wanted = [c for c in CASES if c.model in options.models and c.network in options.networks]
    for case, batch in itertools.product(wanted, options.batches):
        result = measure(
            case,
            contenders(only=options.only),
            batch=batch,
            rounds=options.rounds,
            seconds=options.seconds,
            at_once=options.at_once or (1 if gpu is None else AT_ONCE),
            matrix_rate=document["matrix_rate"],
        )
        document["cases"].append(result)
        options.json.write_text(json.dumps(document, indent=1) + "\n")
        print(result["case"])
        for row in result["rows"]:
            speed = f"{row['images_per_second']:11.1f} images/s"
            used = f"   model FLOP utilisation {row['flop_utilisation']:.3f}"
            print(f"  {row['contender']:<34}{row['failed'] or speed + used}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
