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


def render(document: dict[str, Any]) -> str:
    """Formats images a second of each contender, its ratio to peers, and its share of the peak."""
    names = list(dict.fromkeys(row["contender"] for c in document["cases"] for row in c["rows"]))
    table = Table(["images/s", *names])
    peers = GPU_PEERS if document.get("gpu") else PEERS
    ratios = Table(["best of ours over ...", *peers, "share of peak"])
    found: list[list[float]] = []
    for case in document["cases"]:
        table.add(case["case"], *(_cell(case["rows"], name) for name in names))
        ours = _best(case, "ours")
        batch, flops = case.get("batch", 64), case["check"]["flops"]
        share = ours / batch * flops / document["matrix_rate"]["float32"]
        found.append([*(ours / _best(case, peer) for peer in peers.values()), share])
        ratios.add(case["case"], *(f"{value:.2f}" for value in found[-1]))
    means = [math.exp(sum(map(math.log, of)) / len(of)) for of in zip(*found, strict=True)]
    ratios.add("geometric mean", *(f"{mean:.2f}" for mean in means))
    rate = document["matrix_rate"]["float32"] / 1e9
    said = (
        f"Machine: {document.get('gpu') or document['machine']}; {rate:.0f} GFLOP/s in float32 "
        f"products. Medians of {document['rounds']} rounds of {document['seconds']:g} s."
    )
    return "\n\n".join([said, str(table), str(ratios)])


def _best(case: dict[str, Any], kind: str) -> float:
    """Returns the images a second of the fastest contender whose name begins so."""
    return max(r["images_per_second"] for r in case["rows"] if r["contender"].startswith(kind))


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
