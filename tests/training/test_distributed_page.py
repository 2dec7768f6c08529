"""The page on distribution says what was tested of every registered model."""

import pytest

from tests.support.report_matrix import BEGIN, END, PAGE, CoverageTable, read_table, render
from zoo.models import MODELS


def test_the_table_lists_every_model_and_nothing_failed():
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    cells = read_table(table)
    everywhere = ("4 replicas, SGD", "2 processes, SGD", "killed in a write and in a step")
    for column in everywhere:
        assert set(cells[column]) == set(MODELS), column
    for column, models in cells.items():
        for model, cell in models.items():
            passed, run = cell.split("/")
            assert passed == run, (column, model)
    assert table.strip() == render(cells)


class Report:
    def __init__(self, case, *, passed, when="call"):
        self.user_properties = [("covers", ["bfloat16", case])]
        self.when, self.passed = when, passed
        self.failed, self.skipped = not passed, False


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"Before.\n{BEGIN}\n{render({'XLA': {'gan': '1/1'}})}\n{END}\nAfter.\n")
    return path


def test_results_are_counted_and_other_columns_stay(page):
    table = CoverageTable(page)
    for case, passed in (("gan", True), ("lgan", True), ("lgan", False)):
        table.pytest_runtest_logreport(Report(case, passed=True, when="setup"))
        table.pytest_runtest_logreport(Report(case, passed=passed))
    table.pytest_runtest_logreport(Report("wgan", passed=False, when="setup"))
    table.pytest_sessionfinish()
    text = page.read_text()
    assert text.startswith("Before.\n") and text.endswith("\nAfter.\n")
    assert read_table(text) == {
        "XLA": {"gan": "1/1"},
        "bfloat16": {"gan": "1/1", "lgan": "1/2", "wgan": "0/1"},
    }
