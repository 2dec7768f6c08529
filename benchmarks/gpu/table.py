"""`python -m benchmarks.gpu.table FOLDER`: prints the tables of `docs/gpu.md` from JSON lines."""

import json
import pathlib
import sys
from collections.abc import Iterable
from typing import Any

from benchmarks.gpu.specs import BATCHES, MODELS

Row = dict[str, Any]


def read(path: pathlib.Path) -> list[Row]:
    """Reads JSON lines; none if the file does not exist."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _cell(row: Row | None) -> str:
    if row is None or "median" not in row:
        return "not measured"
    low, high = min(row["rounds"]), max(row["rounds"])
    return f"{row['median']:,.0f} ({low:,.0f} to {high:,.0f})"


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    rows = [list(head), ["---"] * len(list(head)), *map(list, lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def speeds(rows: list[Row]) -> str:
    """Returns one table: a row per kind, label and mode, a column per model and batch."""
    columns = [(model, network, batch) for model, network in MODELS for batch in BATCHES]
    found: dict[tuple[str, str, str], dict[tuple[str, str, int], Row]] = {}
    for row in (row for row in rows if "median" in row):
        kind, model, network, batch, *label = row["name"].split(" ")
        key = (kind, " ".join(label), row["mode"])
        found.setdefault(key, {})[model, network, int(batch)] = row
    return _table(
        ["", *(f"{model}, {batch}" for model, _, batch in columns)],
        (
            [" ".join(part for part in key if part), *(_cell(of.get(c)) for c in columns)]
            for key, of in found.items()
        ),
    )


def failures(rows: list[Row]) -> str:
    """Returns the rows that were not measured, with the reason."""
    lines = [row for row in rows if "failed" in row]
    return "\n".join(f"- {r['name']}, {r['mode']}: {r['failed'][-200:]}" for r in lines)


def curves(rows: list[Row]) -> str:
    """Returns the runs' errors: at the end, at the best validation, and along the way."""
    runs: dict[str, list[Row]] = {}
    for row in rows:
        if "test" in row:
            runs.setdefault(row["run"], []).append(row)
    lines = []
    for name, points in runs.items():
        best = min(points, key=lambda point: point["validation"])
        last = points[-1]
        way = " ".join(f"{point['validation']:.1f}" for point in points[3::4])
        lines.append(
            [name, str(last["step"]), f"{last['seconds']:.0f}"]
            + [f"{last['validation']:.2f}", f"{last['test']:.2f}", f"{best['test']:.2f}", way]
        )
    head = ["run", "steps", "seconds", "validation", "test", "test at best validation", "way"]
    return _table(head, lines)


def main(arguments: list[str]) -> int:
    """Prints all tables."""
    folder = pathlib.Path(arguments[0])
    for path in sorted(folder.glob("speed*.jsonl")):
        rows = read(path)
        print(f"\n## {path.stem}\n\n{speeds(rows)}\n\n{failures(rows)}")
    print(f"\n## CIFAR-10\n\n{curves(read(folder / 'semi_supervised.jsonl'))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
