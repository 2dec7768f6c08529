"""`python -m training.fit --model clsgan`: trains a model, shows how it goes, says how good it is.

The same command again goes on with a run that was interrupted, and shows the result of a finished
one.
"""

import argparse
import dataclasses
import json
import pathlib
import shlex
import signal
import sys
from typing import Any

import tyro

from training.errors import Interrupted, NotFinite, WorkerLost
from training.recipe import Recipe, override, read_settings
from training.recipes import MODELS, available, find, model_name
from training.run_folder import RunFolder, find_run
from zoo.environment import prepare_tensorflow
from zoo.errors import UserError

USAGE = """usage: python -m training.fit --model MODEL [--data DATA] [--seeds N] [options]

Trains a GAN. Models:
{models}

All options of a model, with types, defaults and meaning:
  python -m training.fit --model MODEL --help
"""


@dataclasses.dataclass(frozen=True)
class Command:
    """What is read from the command line before the recipe itself."""

    model: str | None
    data: str | None
    recipe: str
    config: str | None
    seeds: int
    rest: list[str]


def read_command(arguments: list[str]) -> Command:
    """Takes from the command line what decides where the other options' defaults come from."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--model", "--data", "--config"):
        parser.add_argument(name)
    parser.add_argument("--recipe", default="")
    parser.add_argument("--seeds", type=int, default=1)
    known, rest = parser.parse_known_args(arguments)
    return Command(known.model, known.data, known.recipe, known.config, known.seeds, rest)


def read_recipe(command: Command) -> Recipe:
    """Makes the recipe: that of model and data set, then the settings file, then the options.

    Raises:
        UserError: unknown model, recipe or key, or a value that cannot be.
        SystemExit: tyro found a mistake in the options (2), or help was asked for (0).
    """
    settings = read_settings(command.config) if command.config else {}
    model = command.model or settings.pop("model", None)
    if model is None:
        raise UserError("Say what to train: --model " + "|".join(MODELS))
    model = model_name(model)
    name = command.recipe or settings.pop("recipe", "")
    default = find(model, data=command.data or settings.pop("data", None), name=name)
    default = override(default, settings, source=command.config or "")
    recipe = tyro.cli(
        type(default),
        args=command.rest,
        default=default,
        prog=f"python -m training.fit --model {model}",
        description=_description(type(default), model),
    )
    recipe.check()
    _check_length(recipe, default)
    return recipe


def _description(recipe_class: type[Recipe], model: str) -> str:
    names = ", ".join(available(model))
    return (
        f"Trains {MODELS[model]}. Recipes (chosen by --data, or by --recipe): {names}. Besides the "
        "options below: --config FILE (YAML or TOML with any of them), --seeds N (that many runs)."
    )


def _check_length(recipe: Recipe, default: Recipe) -> None:
    given = [recipe.steps != default.steps, recipe.kimg is not None, recipe.epochs is not None]
    if sum(given) > 1:
        raise UserError("Give one of --steps, --kimg and --epochs, not several.")


def with_seed(recipe: Recipe, number: int) -> Recipe:
    """Returns the recipe of the `number`-th of several runs."""
    run_dir = recipe.run_dir
    if run_dir is not None:
        run_dir = str(pathlib.Path(run_dir) / f"seed-{recipe.seed + number}")
    return dataclasses.replace(recipe, seed=recipe.seed + number, run_dir=run_dir)


def fit(recipe: Recipe) -> tuple[dict[str, Any], RunFolder, bool]:
    """Trains one run, or finds the result of a finished one.

    Returns:
        The result, the run's folder, and whether this process is the one to print and write.
    """
    folder = find_run(recipe)
    if folder.result.exists():
        print(f"{folder.path} is finished; this is its result.")
        return json.loads(folder.result.read_text()), folder, True
    from training import data as data_sets
    from training.compilation import keep_compiled
    from training.data.known_shapes import known_shape
    from training.distribute import is_chief, make_strategy
    from training.run import run

    if recipe.jit != "off":
        keep_compiled()
    # Several hosts must find each other before TensorFlow does anything else.
    strategy = make_strategy(recipe)
    shape = known_shape(recipe.data, image_size=recipe.image_size, data_dir=recipe.data_dir)
    if shape is not None:
        recipe.check_size(shape)
    data = data_sets.load(
        recipe.data,
        image_size=recipe.image_size,
        data_dir=recipe.data_dir,
        manual_dir=recipe.manual_dir,
    )
    if recipe.needs_labels and not data.num_classes:
        raise UserError(f"--model {recipe.model} needs class labels, and {recipe.data} has none.")
    return run(recipe, data, folder, strategy), folder, is_chief(strategy)


def train(recipe: Recipe, *, seeds: int) -> None:
    """Trains one run a seed, then prints the table and what to do next."""
    from training.console import next_commands, result_table

    if seeds < 1:
        raise UserError(f"--seeds must be at least 1, given {seeds}.")
    recipes = [recipe] if seeds == 1 else [with_seed(recipe, number) for number in range(seeds)]
    results = []
    for one in recipes:
        result, folder, chief = fit(one)
        results.append(result)
        if not chief:
            continue
        print()
    if not chief:
        return
    print(result_table(results))
    if recipe.export is not None:
        from export.__main__ import describe
        from export.saved_model import save_preset

        for version in save_preset(folder.preset, recipe.export, name=folder.path.name):
            print(f"\n{describe(version)}")
    print()
    print(next_commands(folder))


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code: 0, 2 for a mistake in what was asked for."""
    command = read_command(arguments)
    if command.model is None and command.config is None and {"-h", "--help"} & set(command.rest):
        models = "\n".join(f"  {name:<10}{meaning}" for name, meaning in MODELS.items())
        print(USAGE.format(models=models))
        return 0
    prepare_tensorflow()
    try:
        recipe = read_recipe(command)
        train(recipe, seeds=command.seeds)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(f"Stopped by {stop}; the state is saved. Resume with the same command:")
        print("  " + shlex.join(["python", "-m", "training.fit", *arguments]))
        return 0 if stop.signal_number == signal.SIGTERM else 128 + stop.signal_number
    except NotFinite as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except WorkerLost as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
