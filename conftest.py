"""Makes the code blocks of the README and of docs/ tests, by Sybil.

Python blocks run, those of one page in one namespace and in a new empty folder. A block that cannot
run has a comment above it: `<!-- skip: next "reason" -->`. The options in console blocks are looked
up in the help text of their command, and YAML blocks are read.
"""

import os
import tempfile
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.docs.blocks import check_commands, check_yaml

pytest_plugins = ["tests.support.long_tests"]


def enter_folder(namespace: dict[str, Any]) -> None:
    """Makes an empty folder the current one, before the blocks of a page."""
    namespace["page_folder"] = tempfile.TemporaryDirectory()
    namespace["folder_before"] = os.getcwd()
    os.chdir(namespace["page_folder"].name)


def leave_folder(namespace: dict[str, Any]) -> None:
    """Returns to the folder before, and removes that of the page."""
    os.chdir(namespace["folder_before"])
    namespace["page_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("console", check_commands),
        CodeBlockParser("bash", check_commands),
        CodeBlockParser("yaml", check_yaml),
        SkipParser(),
    ],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "benchmarks/*.md", "results/*.md"],
    setup=enter_folder,
    teardown=leave_folder,
).pytest()
