"""`python -m benchmarks.train_step.table FILE.json`: writes a table of `docs/notebook.md`.

The file is one of `benchmarks.train_step` or of `benchmarks.train_step.means`. The table of a file
that was measured on a GPU is printed instead.
"""

import json
import math
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from training.console import Table
from training.markdown_blocks import replace_block

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "notebook.md"
PEERS = {
    "best PyTorch": "PyTorch",
    "plain Keras": "plain Keras",
    "Keras with oneDNN": "Keras with oneDNN",
}
"""What the best of this project is compared with, and how its contenders' names begin."""
GPU_PEERS = {
    "best PyTorch": "PyTorch",
    "Keras with XLA": "Keras with XLA",
    "two devices": "two devices",
}
LOW = "bfloat16"


def render(document: dict[str, Any]) -> str:
    """Formats images a second of each contender, its ratio to peers, and its share of the peak."""
    names = list(dict.fromkeys(row["contender"] for c in document["cases"] for row in c["rows"]))
    table = Table(["images/s", *names])
    for case in document["cases"]:
        table.add(case["case"], *(_cell(case["rows"], name) for name in names))
    rate = document["matrix_rate"]["float32"] / 1e9
    said = (
        f"Machine: {document.get('gpu') or document['machine']}; {rate:.0f} GFLOP/s in float32 "
        f"products. Medians of {document['rounds']} rounds of {document['seconds']:g} s."
    )
    return "\n\n".join([said, str(table), str(_ratios(document))])


def _ratios(document: dict[str, Any]) -> Table:
    """Returns the best of this project over each peer, and its share of the peak.

    On a CPU the precisions are compared separately. On a GPU products of float32 use TF32, and the
    fastest way of each side counts.
    """
    gpu = bool(document.get("gpu"))
    rows = [row for case in document["cases"] for row in case["rows"]]
    has_low = not gpu and any(LOW in row["contender"] for row in rows)
    peers = GPU_PEERS if gpu else PEERS
    float32 = None if gpu else False
    heads = [*peers, "share of peak"] + (["best PyTorch, both in bfloat16"] if has_low else [])
    table = Table(["best of ours over ...", *heads])
    found: list[list[float]] = []
    for case in document["cases"]:
        ours = _best(case, "ours", float32)
        share = ours / case.get("batch", 64) * case["check"]["flops"]
        ratios = [ours / _best(case, peer, float32) for peer in peers.values()]
        ratios.append(share / document["matrix_rate"]["float32"])
        if has_low:
            ratios.append(_best(case, "ours", True) / _best(case, "PyTorch", True))
        found.append(ratios)
        table.add(case["case"], *(f"{value:.2f}" for value in ratios))
    means = [math.exp(sum(map(math.log, of)) / len(of)) for of in zip(*found, strict=True)]
    table.add("geometric mean", *(f"{mean:.2f}" for mean in means))
    return table


def _best(case: dict[str, Any], kind: str, low: bool | None) -> float:
    """Returns the images a second of the fastest contender whose name begins so.

    Args:
        case: the case, with its rows.
        kind: how the name begins.
        low: whether it computes in bfloat16; None for either.
    """
    rows = [row for row in case["rows"] if low is None or (LOW in row["contender"]) == low]
    return max(row["images_per_second"] for row in rows if row["contender"].startswith(kind))


def _cell(rows: list[dict[str, Any]], name: str) -> str:
    (row,) = [row for row in rows if row["contender"] == name]
    if row["failed"]:
        return "fails"
    first = f"{row['first_call_seconds']:.0f} s, {row['peak_megabytes']:,.0f} MB"
    return f"{row['images_per_second']:.0f} ({first})"


def render_means(document: dict[str, Any]) -> str:
    """Formats what each means gains over its base: the median of the rounds, and their range."""
    rows = {base: {row["means"]: row for row in of} for base, of in document["bases"].items()}
    table = Table(["", "compared with", *rows])
    for name in dict.fromkeys(name for of in rows.values() for name in of):
        found = [of.get(name) for of in rows.values()]
        base = next(row["base"] for row in found if row)
        if name != base:
            table.add(name, base, *(_gain(row) for row in found))
    said = (
        f"Machine: {document['machine']}. Times as fast, the median of the rounds of "
        f"{document['seconds']:g} s (least to greatest)."
    )
    return f"{said}\n\n{table}"


def _gain(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["failed"]:
        return "fails"
    return f"{row['gain']:.2f} ({row['least']:.2f} to {row['most']:.2f})"


def main(arguments: Sequence[str]) -> int:
    """Writes the table."""
    document = json.loads(pathlib.Path(arguments[0]).read_text())
    if "bases" in document:
        replace_block(PAGE, "means", render_means(document))
    elif document.get("gpu"):
        print(render(document))
    else:
        replace_block(PAGE, "train step", render(document))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
