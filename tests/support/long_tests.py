"""Options of pytest for the long tests: a deadline, and a file of those that have passed.

With `--deadline SECONDS` no test starts after that time; those left out are skipped by name. With
`--passed FILE` the names of passed tests are written to the file, and the next run of the same code
leaves them out: a suite that takes longer than the deadline is continued where it stopped.
"""

import hashlib
import pathlib
import time

import pytest

STARTED = time.monotonic()
ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = ("zoo", "training", "export", "lipschitz_zoo", "tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deadline", type=float, help="seconds after which no test starts")
    parser.addoption("--passed", type=pathlib.Path, help="file of tests that need not run again")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--passed")
    if path is not None:
        config.pluginmanager.register(PassedTests(path, writes=not hasattr(config, "workerinput")))


def pytest_runtest_setup(item: pytest.Item) -> None:
    deadline = item.config.getoption("--deadline")
    if deadline is not None and time.monotonic() - STARTED > deadline:
        pytest.skip(f"no time left for {item.nodeid}")


class PassedTests:
    """The tests that have passed with the code as it is.

    Args:
        path: the file: a digest of the code, then one test per line.
        writes: whether this process writes it; with several, one does.
    """

    def __init__(self, path: pathlib.Path, *, writes: bool):
        self.path = path
        self.writes = writes
        digest = code_digest()
        lines = path.read_text().splitlines() if path.exists() else []
        self.names = set(lines[1:]) if lines[:1] == [digest] else set()
        if writes and not self.names:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{digest}\n")

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        known = [item for item in items if item.nodeid in self.names]
        items[:] = [item for item in items if item.nodeid not in self.names]
        config.hook.pytest_deselected(items=known)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.writes and report.when == "call" and report.passed:
            with open(self.path, "a") as file:
                file.write(f"{report.nodeid}\n")


def code_digest() -> str:
    """Returns a digest of all Python files of the project."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
