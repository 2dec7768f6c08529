"""The command line of `training.fit`: arguments to a checked recipe."""

import argparse
import dataclasses
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import tyro

from training.options.run import LENGTHS
from training.recipe import Recipe
from training.recipe_file import from_fields, override
from training.recipes import available, find
from training.settings_file import read_settings
from zoo.command_line import flag, unknown_words
from zoo.errors import UserError
from zoo.models import MODELS

FIRST = (
    "model",
    "data",
    "labels",
    "recipe",
    "image_size",
    "steps",
    "batch_size",
    "seed",
    "run_dir",
    "export",
)
"""Options that people use first; `--help` names them at its top, and the groups follow."""

USAGE = """usage: {prog} --model MODEL [--data DATA] [--seeds N] [options]

Trains a GAN. Models:
{models}

All options of a model, with types, defaults and meaning:
  {prog} --model MODEL --help
"""


def usage(prog: str) -> str:
    """Returns the help for a command line without a model."""
    lines = (f"  {name:<10}{entry.description}" for name, entry in MODELS.items())
    return USAGE.format(models="\n".join(lines), prog=prog)


@dataclasses.dataclass(frozen=True)
class Command:
    """Arguments that decide where the defaults of the other options come from."""

    model: str | None
    data: str | None
    recipe: str
    config: str | None
    seeds: int
    rest: list[str]


def read_command(arguments: Sequence[str]) -> Command:
    """Reads the arguments that decide where the defaults of the other options come from."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--model", "--data", "--config"):
        parser.add_argument(name)
    parser.add_argument("--recipe", default="")
    parser.add_argument("--seeds", type=int, default=1)
    known, rest = parser.parse_known_args(list(arguments))
    return Command(known.model, known.data, known.recipe, known.config, known.seeds, rest)


def read_recipe(command: Command, *, prog: str = "python -m training.fit") -> Recipe:
    """Returns the recipe: that of model and data set, then the settings file, then the options.

    Raises:
        UserError: unknown model, recipe or option, or a value that is not allowed.
        SystemExit: tyro found a mistake in the options (2), or help was requested (0).
    """
    settings = read_settings(command.config) if command.config else {}
    given = given_options(command.rest)
    settings = _with_one_length(settings, given)
    model = command.model or settings.pop("model", None)
    if model is None:
        raise UserError("Name the model to train: --model " + "|".join(MODELS))
    name = command.recipe or settings.pop("recipe", "")
    default = find(str(model), data=command.data or settings.pop("data", None), name=name)
    default = _with_given(default, given.union(settings))
    read = from_fields if _is_recipe_of_run(command.config) else override
    default = read(default, settings, source=command.config or "")
    prog = f"{prog} --model {default.model}"
    recipe, unknown = tyro.cli(
        tyro.conf.OmitArgPrefixes[Recipe],
        args=command.rest,
        default=default,
        prog=prog,
        description=_description(default),
        return_unknown_args=True,
    )
    if unknown:
        raise UserError(unknown_words(unknown, map(flag, default.flat()), command=prog))
    recipe.check()
    return recipe


def _is_recipe_of_run(path: str | None) -> bool:
    """Returns True if a settings file is the `recipe.json` of a run, which has all options."""
    return path is not None and pathlib.Path(path).name == "recipe.json"


def _description(default: Recipe) -> str:
    names = ", ".join(available(default.model))
    first = " ".join(flag(name) for name in FIRST if name in default.flat())
    return (
        f"Trains {MODELS[default.model].description}.\n\nUsed first: {first}.\n\n"
        f"Recipes (chosen by --data, or by --recipe): {names}.\n\nBesides the options below: "
        "--config FILE (YAML or TOML with any of them), --seeds N (that many runs)."
    )


def given_options(words: Iterable[str]) -> frozenset[str]:
    """Returns the names of the options in a command line; `--no-flip` gives `flip`."""
    flags = (word[2:].partition("=")[0] for word in words if word.startswith("--"))
    return frozenset(name.replace("-", "_").removeprefix("no_") for name in flags)


def _with_one_length(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Returns the settings without the lengths that another length overrides.

    A length on the command line overrides those of the file. `steps` of a file override its
    `minutes`: a `recipe.json` has both, and repeats the run of these steps.

    Raises:
        UserError: the command line has several lengths.
    """
    if len(given.intersection(LENGTHS)) > 1:
        raise UserError("Give one of --steps, --kimg, --epochs and --minutes, not several.")
    if given.intersection(LENGTHS):
        return {name: value for name, value in settings.items() if name not in LENGTHS}
    if settings.get("steps") is not None and settings.get("minutes") is not None:
        return settings | {"minutes": None}
    return settings


def _with_given(default: Recipe, given: frozenset[str]) -> Recipe:
    """Returns a recipe that knows the given options; a given length overrides its own one."""
    if given.intersection(LENGTHS):
        default = default.with_options(kimg=None, epochs=None, minutes=None)
    return dataclasses.replace(default, given=given)
