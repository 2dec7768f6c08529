"""Command lines: frozen dataclasses of options, parsed by tyro."""

from collections.abc import Sequence
from typing import TypeVar

import tyro

Options = TypeVar("Options")


def parse_options(
    options: type[Options], arguments: Sequence[str], *, command: str, description: str | None
) -> Options:
    """Parses a command line into a dataclass, whose fields define names, defaults and help.

    Args:
        options: a dataclass with a docstring for each field.
        arguments: the words after the command.
        command: the command's name, such as `python -m training.sample`.
        description: text above the options in `--help`.

    Raises:
        SystemExit: with code 2 for a mistake, with code 0 for `--help`.
    """
    return tyro.cli(
        options,
        args=list(arguments),
        prog=command,
        description=description,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def flag(option: str) -> str:
    """Returns the command line's spelling of an option."""
    return "--" + option.replace("_", "-")
