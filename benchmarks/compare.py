"""`python -m benchmarks.compare A.json B.json`: compares the training steps of two measurements.

It prints the ratio of the medians for each contender, with the smallest and largest ratio of two
rounds. Both files should be measured on one machine, one directly after the other.
"""

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from training.console import Table


def read(path: pathlib.Path) -> dict[tuple[str, str], list[float]]:
    """Reads the rounds of each case and contender.

    Raises:
        SystemExit: if the file was not written by `benchmarks.train_step`.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        return {
            (case["case"], row["contender"]): row["rounds"]
            for case in document["cases"]
            for row in case["rows"]
            if row["rounds"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise SystemExit(
            f"error: {path} is not a file of python -m benchmarks.train_step"
        ) from None


def compare(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """Returns the ratio of the medians, and the smallest and largest ratio of two rounds."""
    middle = sorted(after)[len(after) // 2] / sorted(before)[len(before) // 2]
    return middle, min(after) / max(before), max(after) / min(before)


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("before", type=pathlib.Path, metavar="A.json")
    parser.add_argument("after", type=pathlib.Path, metavar="B.json")
    options = parser.parse_args(arguments)
    before, after = read(options.before), read(options.after)
    table = Table(["case", "contender", "B / A", "least", "greatest"])
    for case, contender in before:
        if (case, contender) in after:
            ratios = compare(before[case, contender], after[case, contender])
            table.add(case, contender, *(f"{ratio:.2f}" for ratio in ratios))
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
