"""Checks of the code blocks that are not Python: commands and YAML."""

import contextlib
import functools
import importlib
import io
import re
import shlex

import yaml
from sybil import Example

COMMAND = re.compile(r"(?:\bpython3?|\.venv/bin/python) -m ((?:training|export)[\w.]*)(.*)")
# The modules that hold a command's `main`, if it is not the module of the command itself.
MAIN = {"export": "export.__main__", "export.client": "export.client_command"}
# `training.fit` names these in the text above its options.
ABOVE_THE_OPTIONS = {"training.fit": ("--config", "--seeds")}


def check_commands(example: Example) -> None:
    """Checks that the project's commands in a block exist and have the options given there."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        found = COMMAND.search(line)
        if found is None:
            continue
        command, arguments = found[1], shlex.split(found[2], comments=True)
        model = arguments[arguments.index("--model") + 1] if "--model" in arguments else ""
        subcommand = arguments[0] if command == "export.client" else ""
        known = help_text(command, subcommand=subcommand, model=model)
        for argument in arguments:
            option = argument.split("=")[0]
            if not option.startswith("--") or option in ABOVE_THE_OPTIONS.get(command, ()):
                continue
            assert re.search(rf"{option}(?![\w-])", known), f"`{line.strip()}`: no option {option}"


@functools.cache
def help_text(command: str, *, subcommand: str, model: str) -> str:
    """Returns what a command prints for `--help`.

    Args:
        command: the module after `python -m`.
        subcommand: the first argument, if the command has subcommands; otherwise "".
        model: the value of `--model`, which decides the options; "" for a command without.
    """
    arguments = [*([subcommand] if subcommand else []), *(["--model", model] if model else [])]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(MAIN.get(command, command)).main([*arguments, "--help"])
    assert printed.getvalue(), f"python -m {command} {' '.join(arguments)} prints no help"
    return printed.getvalue()


def check_yaml(example: Example) -> None:
    """Checks that a block is valid YAML and not empty."""
    assert all(yaml.safe_load_all(example.parsed))
