"""Runs on disk: the recipe and the scores of a run, and the command that starts it again."""

import json
import pathlib
import shlex
from typing import Any

from training.command_line import flag
from training.fit_options import read_command, read_recipe
from training.recipe import Recipe
from training.recipe_file import NOT_DECIDING, differences, override
from training.recipes import find
from training.run_folder import RunFolder
from training.run_folder import read_recipe as read_fields
from zoo.errors import UserError


def stored_recipe(folder: pathlib.Path) -> Recipe:
    """Returns the recipe of a run, read from its `recipe.json`."""
    fields = read_fields(folder)
    recipe = find(str(fields.get("model")), data=str(fields.get("data")))
    return override(recipe, fields, source=str(folder / "recipe.json"))


def read_finished(run: pathlib.Path) -> tuple[Recipe, list[dict[str, Any]]]:
    """Reads the recipe and the evaluations of a finished run.

    Returns:
        The recipe, and the evaluations: the result first, without those during training.

    Raises:
        UserError: if the folder is not a run, or the run is not finished.
    """
    folder = RunFolder(run)
    fields = read_fields(run)
    if not (folder.result.exists() and folder.preset.exists()):
        raise UserError(
            f"{run} is not finished: it has no result.json or no preset. Run its command again."
        )
    name = str(fields.get("recipe") or "")
    recipe = find(str(fields.get("model")), data=str(fields.get("data")), name=name)
    recipe = override(recipe, fields, source=str(folder.recipe))
    result = json.loads(folder.result.read_text())
    lines = folder.scores.read_text().splitlines() if folder.scores.exists() else []
    scores = [score for score in map(json.loads, lines) if not score.get("while_training")]
    return recipe, [result, *(score for score in scores if score != result)]


def command_of(recipe: Recipe) -> str:
    """Returns the command that starts a run with exactly this recipe.

    Raises:
        UserError: if there is no such command because the recipe's defaults have changed.
    """
    default = find(recipe.model, data=recipe.data.data, name=recipe.recipe)
    words = ["--model", recipe.model, "--data", recipe.data.data]
    if recipe.recipe:
        words += ["--recipe", recipe.recipe]
    by_images = recipe.run.length_in_images
    length = {"kimg", "epochs"} if by_images else {"steps"}
    fixed = {"model", "data", "recipe", "steps", *NOT_DECIDING} - length
    unchanged = default.flat()
    for name, value in recipe.flat().items():
        if name in fixed or value == unchanged[name]:
            continue
        if isinstance(value, bool):
            words.append(flag(name) if value else flag(f"no_{name}"))
        else:
            words += [flag(name), str(value)]
    _check_command(words, recipe)
    return shlex.join(["python", "-m", "training.fit", *words])


def _check_command(words: list[str], recipe: Recipe) -> None:
    again = read_recipe(read_command(words))
    if recipe.run.length_in_images:
        again = again.with_options(steps=recipe.run.steps)
    if changed := differences(again, recipe.flat()):
        raise UserError("No command gives this run any more:\n  " + "\n  ".join(changed))
