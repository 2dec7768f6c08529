"""Command lines of all packages: frozen dataclasses of options, parsed by tyro."""

import difflib
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

import tyro

Options = TypeVar("Options")

_FLAG = re.compile(r"--[a-z0-9][a-z0-9-]*")
_LONGEST_WORD = 40
_MOST_WORDS = 5


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
    config = (tyro.conf.FlagCreatePairsOff,)
    known = set(_FLAG.findall(tyro.extras.get_parser(options, config=config).format_help()))
    # Before parsing: tyro takes the words after an unknown option for its values.
    unknown = [word for word in arguments if _is_flag(word) and _name(word) not in known]
    if not unknown:
        parsed, unknown = tyro.cli(
            options,
            args=list(arguments),
            prog=command,
            description=description,
            config=config,
            return_unknown_args=True,
        )
    if unknown:
        print(f"error: {unknown_words(unknown, known, command=command)}", file=sys.stderr)
        raise SystemExit(2)
    return parsed


def _is_flag(word: str) -> bool:
    return word.startswith("--") and word != "--"


def _name(word: str) -> str:
    """Returns the option of `--option=value` and of `--option`, with dashes."""
    return word.partition("=")[0].replace("_", "-")


def unknown_words(words: Sequence[str], known: Iterable[str], *, command: str) -> str:
    """Returns the error message for words that are neither options nor values of options.

    Args:
        words: the words, at least one. A value follows its option.
        known: all options of the command, such as `--steps`.
        command: the command's name.

    Example:
    >>> unknown_words(["--stpes", "5"], ["--steps", "--seed"], command="fit")
    'Unknown option --stpes. Did you mean --steps? See fit --help.'
    """
    options = [word for word in words if word.startswith("--")]
    kind, found = ("option", options) if options else ("word", list(words))
    near = difflib.get_close_matches(found[0].partition("=")[0], sorted(set(known)), n=1)
    hint = f" Did you mean {near[0]}?" if near and near[0] != found[0] else ""
    shown = ", ".join(map(_shortened, found[:_MOST_WORDS]))
    if len(found) > _MOST_WORDS:
        shown += f" and {len(found) - _MOST_WORDS:,} more"
    return f"Unknown {kind}{'s' * (len(found) > 1)} {shown}.{hint} See {command} --help."


def _shortened(word: str) -> str:
    word = word if word.isprintable() else ascii(word)
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}..."


def flag(option: str) -> str:
    """Returns the command line's spelling of an option."""
    return "--" + option.replace("_", "-")
