"""`python -m benchmarks.train_step`: images a second of a GAN step, here and elsewhere, in one run.

Each contender is a process; they step in turns, a round after the other, so that what the machine
does besides falls on all of them. One that is many times slower than the fastest in the first round
is not asked again; bfloat16 is left out where the processor has no instructions for it. Needs the
extra `[bench]`.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.machine import describe
from benchmarks.train_step.cases import CASES, CONTENDERS, MODELS, NETWORKS, Case, Contender
from benchmarks.train_step.worker import command
from benchmarks.train_step.workers import QUIET, Worker
from training.processor import computes_bfloat16

HOPELESS = 3.0
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def contenders() -> list[Contender]:
    """Returns those that this processor can run at a speed worth measuring."""
    return [c for c in CONTENDERS if computes_bfloat16() or not c.bfloat16]


def environment(contender: Contender) -> dict[str, str]:
    """Returns the variables that a contender's process has besides this one's."""
    return {} if contender.onednn is None else {ONEDNN: str(int(contender.onednn))}


def measure(case: Case, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Measures all contenders of one case.

    Raises:
        SystemExit: they do not do the same work.
    """
    with tempfile.TemporaryDirectory() as scratch:
        reference = str(pathlib.Path(scratch) / "reference.npz")
        check = json.loads(_output("reference", case.model, case.network, reference))
        if not check["equal"]:
            raise SystemExit(f"error: {case.name}: not the same work: {check}")
        workers = []
        try:
            for contender in contenders():
                words = command(case, contender, reference)
                workers.append(Worker(words, environment(contender)))
            running = [worker for worker in workers if not worker.failed]
            for number in range(rounds):
                fastest = max((w.rounds[0] for w in running if w.rounds), default=0.0)
                for worker in running:
                    if number == 0 or worker.rounds[0] * HOPELESS > fastest:
                        worker.round(seconds)
        finally:
            for worker in workers:
                worker.stop()
    rows = [
        {
            "contender": contender.name,
            "images_per_second": statistics.median(worker.rounds) if worker.rounds else 0.0,
            "rounds": worker.rounds,
            "peak_megabytes": worker.peak_megabytes,
            "failed": worker.failed,
            **worker.started,
        }
        for contender, worker in zip(contenders(), workers, strict=True)
    ]
    return {"case": case.name, "check": check, "rows": rows}


def matrix_rate() -> dict[str, float]:
    """Returns the better of the rates of matrix products with oneDNN's kernels and without."""
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
    parser.add_argument("--rounds", type=int, default=5, help="measurements each (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each (default: 2)")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    options = parser.parse_args(arguments)
    document: dict[str, Any] = {
        "machine": describe(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "matrix_rate": matrix_rate(),
        "cases": [],
    }
    for case in CASES:
        if case.model not in options.models or case.network not in options.networks:
            continue
        result = measure(case, rounds=options.rounds, seconds=options.seconds)
        document["cases"].append(result)
        options.json.write_text(json.dumps(document, indent=1) + "\n")
        print(case.name)
        for row in result["rows"]:
            speed = row["failed"] or f"{row['images_per_second']:9.1f} images/s"
            print(f"  {row['contender']:<34}{speed}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
