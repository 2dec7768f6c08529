"""Runs on disk: the recipe and the scores of a run, and the command that starts it again."""

import pathlib
import shlex
from typing import TYPE_CHECKING, Any

from training.adapting import free_options
from training.fit_options import read_command, read_recipe
from training.recipe import Recipe
from training.recipe_file import NOT_DECIDING, differences, from_fields
from training.recipes import find, recipes
from training.run_folder import RunFolder
from training.run_folder import read_recipe as read_fields
from training.stored_scores import read_rows
from zoo.command_line import flag
from zoo.errors import UserError

if TYPE_CHECKING:
    from training.data.image_data import ImageData


def stored_recipe(folder: pathlib.Path) -> Recipe:
    """Returns the recipe of a run, read from its `recipe.json`."""
    fields = read_fields(folder)
    recipe = find(str(fields.get("model")), data=str(fields.get("data")))
    return from_fields(recipe, fields, source=str(folder / "recipe.json"))


def read_finished(run: pathlib.Path) -> tuple[Recipe, list[dict[str, Any]]]:
    """Reads the recipe and the evaluations of a finished run.

    Returns:
        The recipe, and the evaluations: the result first, without those during training and those
        from before the run was lengthened.

    Raises:
        UserError: if the folder is not a run, the run is not finished, or a file is damaged.
    """
    folder = RunFolder(run)
    fields = read_fields(run)
    if not (folder.result.exists() and folder.preset.exists()):
        raise UserError(
            f"{run} is not finished: it has no result.json or no preset. Run its command again."
        )
    model, name = str(fields.get("model")), str(fields.get("recipe") or "")
    if name not in recipes(model):
        # A recipe of an earlier version: the file has all of its options.
        name = fields["recipe"] = ""
    recipe = find(model, data=str(fields.get("data")), name=name)
    recipe = from_fields(recipe, fields, source=str(folder.recipe))
    result = folder.read_result()
    steps = result.get("steps")
    rows = read_rows(folder.scores) if folder.scores.exists() else []
    of_this_length = [row for row in rows if row.get("steps", steps) == steps]
    scores = [row for row in of_this_length if not row.get("while_training")]
    return recipe, [result, *(score for score in scores if score != result)]


def load_run_data(run: pathlib.Path, recipe: Recipe, *, data_dir: str | None = None) -> "ImageData":
    """Loads the data that a run was trained on, and checks that they have not changed.

    Args:
        run: the folder of the run.
        recipe: the recipe of the run.
        data_dir: folder of data sets that TensorFlow Datasets has prepared; None for that of the
            recipe.

    Raises:
        UserError: if the data cannot be loaded, or have changed.
    """
    from training import data as data_sets
    from training.data_digest import check_same_data

    options = recipe.data
    try:
        data = data_sets.load(
            options.data,
            image_size=options.image_size,
            data_dir=data_dir or options.data_dir,
            manual_dir=options.manual_dir,
        )
    except UserError as error:
        raise UserError(f"{error}\nThese are the data of the run {run}.") from None
    check_same_data(run, data)
    return data


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
    # Options that the command would choose again, perhaps otherwise.
    chosen = set(free_options(recipe)) | ({"steps"} if default.run.minutes is not None else set())
    for name, value in recipe.flat().items():
        if name in fixed or (value == unchanged[name] and name not in chosen):
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
