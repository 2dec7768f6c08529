"""Tests of the table that `tests.support.report_matrix` writes from test results."""

import pytest

from tests.support.report_matrix import BEGIN, END, CoverageTable, read_table, render


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
