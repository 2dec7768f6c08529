"""Checks of the code blocks that are not Python: commands and YAML."""

import contextlib
import functools
import importlib
import importlib.util
import io
import re
import shlex

import yaml
from sybil import Example

COMMAND = re.compile(
    r"(?:\bpython3?|\.venv/bin/python) -m ((?:training|export|benchmarks)[\w.]*)(.*)"
)
# `training.fit` names these in the text above its options.
ABOVE_THE_OPTIONS = {"training.fit": ("--config", "--seeds")}


def check_commands(example: Example) -> None:
    """Checks that the project's commands in a block exist and have the options given there."""
    for line in example.parsed.replace("\\\n", " ").splitlines():
        found = COMMAND.search(line)
        if found is None:
            continue
        command, arguments = found[1], shlex.split(found[2], comments=True)
        assert importlib.util.find_spec(command), f"`{line.strip()}`: no command {command}"
        # A word with a space, such as that of `--length "--steps 9"`, is for another command.
        words = [argument for argument in arguments if " " not in argument]
        options = {word.split("=")[0] for word in words if word.startswith("--")}
        for option in sorted(options.difference(ABOVE_THE_OPTIONS.get(command, ()))):
            known = help_for(command, arguments)
            assert re.search(rf"{option}(?![\w-])", known), f"`{line.strip()}`: no option {option}"


def help_for(command: str, arguments: list[str]) -> str:
    """Returns the help text that lists the options of a command line.

    Args:
        command: the module after `python -m`.
        arguments: what follows it. A subcommand and `--model` decide which options there are.
    """
    if "--model" in arguments:
        return help_text(command, "--model", arguments[arguments.index("--model") + 1])
    text = help_text(command)
    if arguments and re.search(rf"[{{,]{re.escape(arguments[0])}[,}}]", text):
        return text + help_text(command, arguments[0])
    return text


@functools.cache
def help_text(command: str, *arguments: str) -> str:
    """Returns what a command prints for `--help` after some arguments."""
    spec = importlib.util.find_spec(command)
    is_folder = spec is not None and spec.submodule_search_locations is not None
    module = importlib.import_module(f"{command}.__main__" if is_folder else command)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main([*arguments, "--help"])
    assert printed.getvalue(), f"python -m {command} {' '.join(arguments)} prints no help"
    return printed.getvalue()


def check_yaml(example: Example) -> None:
    """Checks that a block is valid YAML and not empty."""
    assert all(yaml.safe_load_all(example.parsed))
