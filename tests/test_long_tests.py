"""Long tests: no test starts after the deadline, and passed ones are not run again."""

pytest_plugins = ["pytester"]

TESTS = """
import pytest
def test_passes(): pass
def test_fails(): assert False
"""


def outcomes(pytester, *options):
    result = pytester.runpytest("-p", "tests.support.long_tests", "-rs", *options)
    return result.parseoutcomes(), result.stdout.str()


def test_after_the_deadline_no_test_starts_and_each_is_named(pytester):
    pytester.makepyfile(TESTS)
    counts, said = outcomes(pytester, "--deadline", "0")
    assert counts == {"skipped": 2}
    assert "no time left for" in said
    counts, _ = outcomes(pytester, "--deadline", "1e9")
    assert counts == {"passed": 1, "failed": 1}


def test_passed_tests_are_left_out_of_the_next_run(pytester, monkeypatch):
    pytester.makepyfile(TESTS)
    counts, _ = outcomes(pytester, "--passed", "passed")
    assert counts == {"passed": 1, "failed": 1}
    counts, _ = outcomes(pytester, "--passed", "passed")
    assert counts == {"failed": 1, "deselected": 1}
    monkeypatch.setattr("tests.support.long_tests.code_digest", lambda: "of other code")
    counts, _ = outcomes(pytester, "--passed", "passed")
    assert counts == {"passed": 1, "failed": 1}
