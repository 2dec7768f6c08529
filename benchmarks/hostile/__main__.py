"""`python -m benchmarks.hostile --cases 10000 --seed 0`: hostile inputs, and how each one ends.

A case is determined by its seed and number. `--only NUMBER` repeats one case and prints its
traceback's last line, its input and its message. The exit code is 1 if a case failed.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.hostile.arrays import arrays_case
from benchmarks.hostile.commands import evaluate_case, report_case, sample_case
from benchmarks.hostile.environments import environment_case
from benchmarks.hostile.folders import folder_case
from benchmarks.hostile.judging import FAILED, REFUSED, SUCCESS, Case, Outcome, judge
from benchmarks.hostile.presets import preset_case
from benchmarks.hostile.settings import command_line_case, settings_case

KINDS: dict[str, Callable[[random.Random, pathlib.Path], Case]] = {
    "folders": folder_case,
    "arrays": arrays_case,
    "settings": settings_case,
    "command lines": command_line_case,
    "presets": preset_case,
    "sample": sample_case,
    "evaluate": evaluate_case,
    "report": report_case,
    "environments": environment_case,
}
MEMORY = 6 * 2**30


def run_case(seed: int, number: int) -> tuple[str, Case, Outcome]:
    """Makes and runs one case in a folder of its own.

    Returns:
        The kind, the case and its outcome.
    """
    kind = list(KINDS)[number % len(KINDS)]
    before = os.getcwd()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hostile-"))
    os.chdir(folder)
    try:
        # A string seed gives the same numbers in every process.
        case = KINDS[kind](random.Random(f"{seed}/{number}"), folder)
        return kind, case, judge(case)
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def _prepare() -> None:
    """Imports what the cases import, and limits the memory, so that no case fills the machine."""
    from training import evaluate, sample  # noqa: F401
    from zoo.environment import prepare_tensorflow

    prepare_tensorflow()
    import tensorflow  # noqa: F401

    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))


def main() -> int:
    """Runs the cases; prints the outcomes by kind, and each kind of failure with its command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="repeat one case")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--kind", choices=KINDS, help="run only the cases of one kind")
    parser.add_argument("--json", type=pathlib.Path, help="write all failures to a file")
    options = parser.parse_args()
    _prepare()
    if options.only is not None:
        kind, case, outcome = run_case(options.seed, options.only)
        print(f"{kind}: {case.title}\n{outcome.verdict} {outcome.place}\n{outcome.message}")
        return int(outcome.verdict == FAILED)
    started = time.monotonic()
    counts: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in KINDS}
    failures: dict[str, list[tuple[int, str, str]]] = {}
    total = 0
    for number in range(options.first, options.first + options.cases):
        if options.kind and list(KINDS)[number % len(KINDS)] != options.kind:
            continue
        if time.monotonic() - started > options.seconds:
            break
        kind, case, outcome = run_case(options.seed, number)
        counts[kind][outcome.verdict] += 1
        total += 1
        if outcome.verdict == FAILED:
            found = failures.setdefault(f"{kind}: {outcome.place}", [])
            found.append((number, case.title, outcome.message))
    seconds = time.monotonic() - started
    print(f"{total:,} cases, seed {options.seed}, {seconds:.0f} s")
    print(f"| Kind | {SUCCESS} | {REFUSED} | {FAILED} |\n| --- | --- | --- | --- |")
    for kind, count in counts.items():
        print(f"| {kind} | {count[SUCCESS]} | {count[REFUSED]} | {count[FAILED]} |")
    for place, found in sorted(failures.items(), key=lambda item: -len(item[1])):
        number, title, message = found[0]
        print(f"\n{len(found)} times {place}\n  {title!r}\n  {message!r}")
        print(f"  python -m benchmarks.hostile --seed {options.seed} --only {number}")
    if options.json is not None:
        options.json.write_text(json.dumps(failures, indent=2))
    return int(bool(failures))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # A thread that waits for a pipe for ever would keep the process alive.
    os._exit(code)
