"""`python -m benchmarks.serving_table FILE.json...`: writes the table of `docs/notebook.md`.

`python -m benchmarks.serving --json FILE` writes the files.
"""

import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.serving import Speed, aims
from training.console import Table
from training.markdown_blocks import replace_block

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "notebook.md"
WAYS = (
    ("REST", "alone"),
    ("REST", "batched"),
    ("gRPC", "alone"),
    ("gRPC", "batched"),
    ("KServe", ""),
)


def render(documents: Sequence[dict[str, Any]]) -> str:
    """Formats answers per second (median ms / 99th percentile ms), and then the aims."""
    machines = dict.fromkeys(document["machine"] for document in documents)
    table = Table(["model, signature", "clients", *(" ".join(way).strip() for way in WAYS)])
    calls = Table(["model, signature", *(f"direct, batch {n}" for n in (1, 8, 32, 64))])
    lines = []
    for document in documents:
        speeds = [Speed(**fields) for fields in document["speeds"]]
        by = {(s.way, s.mode, s.signature, s.size): s for s in speeds}
        for name in dict.fromkeys(speed.signature for speed in speeds):
            title = f"{document['model']}, {name}"
            for clients in sorted({s.size for s in speeds if s.way == "REST"}):
                cells = (by.get((way, mode, name, clients)) for way, mode in WAYS)
                table.add(title, clients, *(_cell(speed) for speed in cells))
            direct = (by.get(("direct", "", name, size)) for size in (1, 8, 32, 64))
            calls.add(title, *("" if s is None else f"{s.per_second:,.0f}" for s in direct))
        lines += [f"- {document['model']}, {line}" for line in aims(speeds)]
    failed = sum(fields["errors"] for document in documents for fields in document["speeds"])
    summary = f"Machine: {'; '.join(machines)}. Failed requests: {failed}."
    return "\n\n".join([summary, str(table), "Rows a second:", str(calls), "\n".join(lines)])


def _cell(speed: Speed | None) -> str:
    if speed is None:
        return ""
    return f"{speed.per_second:,.0f} ({speed.p50:.1f} / {speed.p99:.1f})"


def main(arguments: Sequence[str]) -> int:
    """Writes the table to the page."""
    documents = [json.loads(pathlib.Path(path).read_text()) for path in arguments]
    replace_block(PAGE, "serving", render(documents))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
