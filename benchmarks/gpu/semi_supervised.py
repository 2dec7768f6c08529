"""`python -m benchmarks.gpu.semi_supervised --data FOLDER --json FILE`: CIFAR-10, 4,000 labels.

Runs side by side on one GPU, with equal steps, labels, network and schedule: a supervised control,
pseudo-labels without a generator, the same with CLS-GAN's hinges, the same with a consistency
term, and the paper's plain objective. The number of steps is set by a short probe of all runs so
that the last one ends in time. FOLDER holds `train_images.npy`, `train_labels.npy` and the same
for `test`.
"""

import argparse
import json
import pathlib
import queue
import sys
import time
from typing import Any

from benchmarks.gpu.conductor import Process

RUNS = (
    "pseudo:0 pseudo_hinge:0 control:0 pseudo:1 pseudo_hinge:1 control_strong:0 "
    "pseudo_consistency:0 paper:0"
)
SAFETY = 0.87
"""Share of the time that the probe's figures may fill: side by side, runs slow each other down."""
SLACK = 20.0


class Row:
    """One run's process and what it has reported."""

    def __init__(self, name: str, options: argparse.Namespace):
        variant, _, seed = name.partition(":")
        asked = {
            "variant": variant,
            "seed": int(seed),
            "data": options.data,
            "tiny": options.tiny,
            "bfloat16": not options.float32,
            "settings": json.loads(options.settings),
        }
        self.name = name
        self.process = Process("benchmarks.gpu.semi_supervised_worker", [json.dumps(asked)])
        self.lines: list[dict[str, Any]] = []
        self.cost = 0.0
        self.over = False

    def add(self, line: dict[str, Any]) -> None:
        """Stores a line of the run."""
        self.lines.append({"run": self.name, **line})
        self.over |= "done" in line or "failed" in line

    def wait(self, until: float) -> None:
        """Waits until the run has compiled."""
        self.add(self.process.answer(until))

    def probe(self, seconds: float) -> None:
        """Measures the run's step alone on the device."""
        self.process.ask({"do": "probe", "seconds": seconds})
        found = self.process.answer(time.monotonic() + 30.0)
        self.add({"probe": found} if "failed" not in found else found)
        self.cost = found.get("seconds_per_step", 0.0)

    def collect(self) -> None:
        """Takes over what the run has printed since."""
        while not self.over:
            try:
                found = self.process.lines.get_nowait()
            except queue.Empty:
                return
            if found is None:
                self.process.lines.put(None)
                found = self.process.answer(time.monotonic() + 1.0)
            self.add(found)


def main(arguments: list[str]) -> int:
    """Trains all runs and writes their lines."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.semi_supervised", description=__doc__
    )
    parser.add_argument("--data", default="", help="folder of arrays (default: noise)")
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    parser.add_argument("--runs", default=RUNS, help="VARIANT:SEED, separated by spaces")
    parser.add_argument("--seconds", type=float, default=300.0, help="of training")
    parser.add_argument("--ready", type=float, default=200.0, help="seconds to wait for compiling")
    parser.add_argument("--probe", type=float, default=1.0, help="seconds of each probe")
    parser.add_argument("--steps", type=int, default=0, help="steps; 0 to find them by the probe")
    parser.add_argument("--settings", default="{}", help="JSON of fields of `Settings`")
    parser.add_argument("--float32", action="store_true", help="no bfloat16")
    parser.add_argument("--tiny", action="store_true", help="a part of the data, to rehearse")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    rows = [Row(name, options) for name in options.runs.split()]

    def save() -> None:
        lines = [line for row in rows for line in row.lines]
        options.json.write_text("".join(json.dumps(line) + "\n" for line in lines))

    for row in rows:
        row.wait(start + options.ready)
    print(f"compiled after {time.monotonic() - start:.0f} s", flush=True)
    for row in rows:
        if not row.over:
            row.probe(options.probe)
        else:
            print(row.name, row.lines[-1], flush=True)
    save()
    cost = sum(row.cost for row in rows)
    steps = options.steps or max(1, int(SAFETY * options.seconds / max(cost, 1e-9)))
    costs = {row.name: round(1000 * row.cost, 2) for row in rows}
    print(f"{steps} steps; milliseconds of one step: {costs}", flush=True)
    begun = time.monotonic()
    for row in rows:
        if not row.over:
            row.process.ask({"do": "train", "steps": steps, "seconds": options.seconds})
    while time.monotonic() - begun < options.seconds + SLACK and not all(r.over for r in rows):
        time.sleep(1.0)
        for row in rows:
            row.collect()
        save()
    for row in rows:
        row.collect()
        row.process.stop()
        last = [line for line in row.lines if "test" in line or "failed" in line][-1:]
        print(row.name, json.dumps(last)[:600], flush=True)
    save()
    print(f"done after {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
