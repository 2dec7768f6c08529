"""Writes the table of `docs/distributed.md` from the results of the tests.

`python -m tests.support.report_matrix` runs every test that is marked with `covers`, long ones
included, and `python -m tests.support.report_matrix FILE...` those of some files: columns of which
no test ran stay as they were. In the table, `3/3` means that of three tests of the model three
passed.
"""

import collections
import pathlib
import sys
from collections.abc import Mapping

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "distributed.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
FILES = ("tests/parity", "tests/training/test_kill.py", "tests/training/test_traces.py")
Cells = dict[str, dict[str, str]]


def model_of(parameters: Mapping[str, object]) -> str:
    """The model that a parametrised test is about: `lgan` of `lgan, max_gp, ...`."""
    return str(parameters["case"]).split(",")[0]


class CoverageTable:
    """A pytest plugin that counts results by column and model, and writes the table at the end."""

    def __init__(self, page: pathlib.Path):
        self.page = page
        self.results: dict[str, dict[str, list[bool]]] = collections.defaultdict(
            lambda: collections.defaultdict(list)
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        final = report.when == "call" or (report.when == "setup" and report.failed)
        for kind, value in report.user_properties:
            if kind == "covers" and final and not report.skipped:
                column, model = value
                self.results[column][model].append(report.passed)

    def pytest_sessionfinish(self) -> None:
        text = self.page.read_text()
        before, rest = text.split(BEGIN)
        table, after = rest.split(END)
        cells = read_table(table)
        for column, models in self.results.items():
            cells[column] = {m: f"{sum(passed)}/{len(passed)}" for m, passed in models.items()}
        self.page.write_text(f"{before}{BEGIN}\n{render(cells)}\n{END}{after}")


def read_table(text: str) -> Cells:
    """Reads a table: cells by column and row."""
    rows = [
        [cell.strip() for cell in line.strip()[1:-1].split("|")]
        for line in text.strip().splitlines()
        if line.startswith("|") and not line.startswith("| ---")
    ]
    if not rows:
        return {}
    return {
        column: {row[0]: row[place] for row in rows[1:] if row[place]}
        for place, column in enumerate(rows[0])
        if place
    }


def render(cells: Cells) -> str:
    """Writes a table whose rows are all registered models."""
    from zoo.models import MODELS

    columns = list(cells)
    lines = ["| model | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    for model in MODELS:
        row = [model, *(cells[column].get(model, " ") for column in columns)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def main(files: list[str]) -> int:
    """Runs the tests and writes the table; returns pytest's exit code."""
    arguments = ["-q", "-m", "", f"--table={PAGE}", *(files or FILES)]
    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
