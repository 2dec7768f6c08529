"""Help texts of the commands of `export`."""

import subprocess
import sys

import pytest

from tests.support.server_process import ROOT

HELP = """
import sys
from {module} import main

try:
    main(["--help"], **{options})
except SystemExit as stop:
    assert stop.code == 0
assert "tensorflow" not in sys.modules
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("export.__main__", "export"),
        ("export.client.__main__", "export.client"),
        ("export.deploy", "export.deploy"),
        ("export.serve", "export.serve"),
    ],
)
def test_help_names_the_command_and_does_not_load_tensorflow(module, command):
    for options, prog in (({}, f"python -m {command}"), ({"prog": "zoo x"}, "zoo x")):
        process = subprocess.run(
            [sys.executable, "-c", HELP.format(module=module, options=options)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stderr
        assert process.stdout.startswith(f"usage: {prog} ")
