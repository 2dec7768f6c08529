"""`python -m benchmarks.gpu.speed --wave steps --json FILE`: step speeds on one device.

The processes of a wave compile side by side. Then they take steps in turns, round after round, and
the median of the rounds is reported. Each line of FILE is one mode of one process.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import sys
import time
from typing import Any

from benchmarks.gpu.conductor import Process, first_answers
from benchmarks.gpu.specs import WAVES, Spec, tiny

PATIENCE = 30.0
"""Seconds after which an answer to one question is given up."""


class Side:
    """One specification's process and its rows."""

    process: Process | None = None

    def __init__(self, spec: Spec):
        self.spec = spec
        self.rows: dict[str, dict[str, Any]] = {}

    def start(self) -> Process:
        """Starts the process, which begins to compile."""
        asked = json.dumps(dataclasses.asdict(self.spec))
        self.process = Process("benchmarks.gpu.worker", [asked], self.spec.environment)
        return self.process

    def stop(self) -> None:
        """Ends the process, if it was started."""
        if self.process is not None:
            self.process.stop()

    def add(self, found: dict[str, Any]) -> None:
        """Makes the rows from the process's first answer, or from the reason why there is none."""
        modes = found.get("modes") or {mode: found for mode in self.spec.modes}
        for mode, said in modes.items():
            extra = {"build_seconds": found.get("build_seconds")}
            self.rows[mode] = {"name": self.spec.name, "mode": mode, **said, **extra, "rounds": []}

    def measure(self, mode: str, seconds: float) -> None:
        """Measures one mode once."""
        row = self.rows[mode]
        if "failed" in row or self.process is None:
            return
        self.process.ask({"mode": mode, "seconds": seconds})
        answer = self.process.answer(time.monotonic() + PATIENCE)
        if "failed" in answer:
            row["failed"] = answer["failed"]
            return
        row["rounds"].append(round(answer["images_per_second"], 1))
        row["median"] = statistics.median(row["rounds"])
        row["peak_megabytes"] = answer["peak_megabytes"]


def compile_all(sides: list[Side], *, at_once: int, until: float) -> None:
    """Starts the processes in order, a few at a time, until all are ready or the time is over."""
    starts = {number: side.start for number, side in enumerate(sides)}
    for number, found in first_answers(starts, at_once=at_once, until=until).items():
        sides[number].add(found)


def main(arguments: list[str]) -> int:
    """Measures a wave."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.speed", description=__doc__)
    parser.add_argument("--wave", choices=list(WAVES), required=True)
    parser.add_argument("--json", type=pathlib.Path, required=True, help="file to write")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one measurement")
    parser.add_argument("--ready", type=float, default=120.0, help="seconds to wait for compiling")
    parser.add_argument("--at-once", type=int, default=16, help="processes that compile")
    parser.add_argument("--until", type=float, default=1e9, help="seconds after which to stop")
    parser.add_argument("--only", default="", help="text that a specification's name contains")
    parser.add_argument("--tiny", action="store_true", help="rehearse with tiny networks")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    specs = [spec for spec in WAVES[options.wave] if options.only in spec.name]
    sides = [Side(tiny(spec) if options.tiny else spec) for spec in specs]

    def save() -> None:
        rows = [row for side in sides for row in side.rows.values()]
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))

    compile_all(sides, at_once=options.at_once, until=start + options.ready)
    save()
    print(f"{options.wave}: compiled after {time.monotonic() - start:.0f} s", flush=True)
    for _ in range(options.rounds):
        for side in sides:
            for mode in side.rows:
                if time.monotonic() - start < options.until:
                    side.measure(mode, options.seconds)
        save()
    for side in sides:
        side.stop()
        for row in side.rows.values():
            said = row.get("failed", "")[-160:].replace("\n", " ")
            print(f"{row['name']} | {row['mode']} | {row.get('median', said)}")
    print(f"{options.wave}: done after {time.monotonic() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
