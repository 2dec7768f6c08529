"""Starts the runs of a recipe: one run per seed, or the results of finished runs."""

import dataclasses
import sys
from typing import Any

from training import data as data_sets
from training.adapting import adapted, with_stored_choices
from training.compilation import keep_compiled
from training.console import result_table
from training.data.known_shapes import known_shape
from training.determinism import enable_determinism, naming_operations
from training.distribute import is_chief, make_strategy
from training.lock import refuse_if_locked
from training.options.run import LAST_SEED
from training.precision import with_precision
from training.recipe import Recipe
from training.remote_run import staged
from training.resuming import is_lengthened
from training.run import run
from training.run_folder import RunFolder, find_run, read_recipe
from training.streams import unused_images
from training.trial import on_gpu
from zoo.errors import UserError
from zoo.storage.address import join


def with_seed(recipe: Recipe, number: int) -> Recipe:
    """Returns the recipe of the `number`-th of several runs."""
    run_dir = recipe.run.run_dir
    if run_dir is not None:
        run_dir = join(run_dir, f"seed-{recipe.run.seed + number}")
    return recipe.with_options(seed=recipe.run.seed + number, run_dir=run_dir)


def train_or_find(
    recipe: Recipe, *, first: RunFolder | None = None
) -> tuple[dict[str, Any], RunFolder, bool]:
    """Trains one run, or finds the result of a finished one.

    Args:
        recipe: a checked recipe.
        first: the folder of the first of several seeds; None for the first one itself.

    Returns:
        The result, the run's folder, and whether this process prints and writes.
    """
    with staged(recipe) as remote:
        folder = dataclasses.replace(find_run(recipe), remote=remote)
        return _train_or_find(recipe, folder, first)


def _train_or_find(
    recipe: Recipe, folder: RunFolder, first: RunFolder | None
) -> tuple[dict[str, Any], RunFolder, bool]:
    if folder.result.exists() and not is_lengthened(recipe, folder):
        print(f"{folder.path} is finished; this is its result.")
        return folder.read_result(), folder, True
    if recipe.devices.jit != "off":
        keep_compiled()
    enable_determinism(recipe.devices)
    # Several hosts must find each other before TensorFlow does anything else.
    strategy = make_strategy(recipe.devices, batch_size=recipe.run.batch_size)
    recipe = with_precision(recipe, folder, strategy)
    chief = is_chief(strategy)
    if chief:
        refuse_if_locked(folder.path)
    source = recipe.data
    shape = known_shape(source.data, image_size=source.image_size, data_dir=source.data_dir)
    if shape is not None:
        recipe.check_size(shape)
    data = data_sets.load(
        source.data,
        image_size=source.image_size,
        data_dir=source.data_dir,
        manual_dir=source.manual_dir,
    )
    if chief and (unused := unused_images(recipe, data)):
        print(f"Warning: {unused}", file=sys.stderr)
    if recipe.networks.needs_labels and not data.num_classes:
        raise UserError(f"--model {recipe.model} needs class labels, and {source.data} has none.")
    if folder.recipe.exists():
        recipe = with_stored_choices(recipe, read_recipe(folder.path))
    else:
        recipe = adapted(recipe, data, on_gpu=on_gpu())
    with naming_operations(recipe.devices):
        return run(recipe, data, folder, strategy, first=first), folder, chief


def train(recipe: Recipe, *, seeds: int) -> list[RunFolder]:
    """Trains one run per seed, then prints the table of results.

    Args:
        recipe: a checked recipe.
        seeds: int, number of runs.

    Returns:
        The folders of the runs; none in a process that does not write.

    Raises:
        UserError: a mistake in what was asked for.
    """
    if seeds < 1:
        raise UserError(f"--seeds must be at least 1, given {seeds}.")
    if recipe.run.seed + seeds - 1 > LAST_SEED:
        raise UserError(
            f"--seeds {seeds} from --seed {recipe.run.seed} on: the last seed must be at most "
            f"{LAST_SEED}. Give a smaller --seed."
        )
    recipes = [recipe] if seeds == 1 else [with_seed(recipe, number) for number in range(seeds)]
    results, folders = [], []
    first: RunFolder | None = None
    for one in recipes:
        result, folder, chief = train_or_find(one, first=first)
        first = first or folder
        results.append(result)
        if chief:
            folders.append(folder)
            print()
    if folders:
        print(result_table(results))
    return folders
