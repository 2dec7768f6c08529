"""Imports between packages point one way, and files of a package import each other in no circle."""

import ast
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lipschitz_zoo.command import COMMANDS

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("zoo", "training", "export")
ALLOWED = {"zoo": {"zoo"}, "export": {"export", "zoo"}, "training": {"training", "zoo"}}
EXPORTS = ROOT / "training" / "fit.py"
"""The one file of `training` that may call `export`."""


def imports(path: pathlib.Path, *, whole: bool) -> Iterator[str]:
    """Yields the modules that a file imports: `whole` includes functions and type checking."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if whole else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_of_packages_point_one_way(package):
    back = []
    for path in (ROOT / package).rglob("*.py"):
        allowed = ALLOWED[package] | ({"export"} if path == EXPORTS else set())
        found = {name.split(".")[0] for name in imports(path, whole=True)} & set(PACKAGES)
        back += [f"{path.relative_to(ROOT)} imports {name}" for name in found - allowed]
    assert not back


def imported_files(module: str) -> set[str]:
    """The files that importing a file imports in turn, packages' `__init__` left out."""
    found = set()
    for name in imports(FILES[module], whole=False):
        while name and name not in FILES:
            name = name.rpartition(".")[0]
        if name and FILES[name].name != "__init__.py":
            found.add(name)
    return found - {module}


def test_no_circle_of_files():
    graph = {module: imported_files(module) for module in FILES}
    while free := [module for module, needs in graph.items() if not needs & graph.keys()]:
        for module in free:
            del graph[module]
    assert not graph, f"These files import each other: {', '.join(sorted(graph))}"


def test_commands_import_no_tensorflow_before_they_have_set_it_up():
    """TensorFlow reads its settings when it is imported (`zoo.environment`)."""
    names = [module for module, _ in COMMANDS.values()] + ["training.data.__main__"]
    code = f"import sys, {', '.join(names)}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
