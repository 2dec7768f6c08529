"""The comparison of a stored run with the recipe to resume it with; longer runs."""

import pathlib
import shlex
from typing import Any

from training.adapting import with_stored_choices
from training.data.label_maps import LabelMap
from training.recipe import Recipe
from training.recipe_file import differences, to_json
from training.run_folder import RunFolder, read_recipe, write_text
from zoo.errors import UserError

_LENGTHS = ("kimg", "epochs", "minutes")
_INTERVALS = ("report_every", "checkpoint_every", "score_every")


def check_resumable(path: pathlib.Path, recipe: Recipe) -> None:
    """Checks that the run in a folder can be resumed, or lengthened, with a recipe.

    Raises:
        UserError: the run has another recipe; the message lists the options that differ.
    """
    changed = changes_against(recipe, read_recipe(path), may_lengthen=True)
    if changed:
        raise UserError(
            f"{path} holds a run of another recipe, which cannot be resumed with this one. "
            "Give another --run-dir, or the same options, which --config "
            f"{shlex.quote(str(path / 'recipe.json'))} gives all:\n  " + "\n  ".join(changed)
        )


def changes_against(recipe: Recipe, stored: dict[str, Any], *, may_lengthen: bool) -> list[str]:
    """Lists the options because of which a run cannot be resumed with a recipe.

    Args:
        recipe: the recipe to resume with.
        stored: the content of the run's `recipe.json`.
        may_lengthen: bool, if a longer recipe is accepted.
    """
    recipe = with_stored_choices(recipe, stored)
    if recipe.run.steps_known_later:
        # The number of steps is known only with the data; `training.run` compares it then.
        if may_lengthen or _same_length(recipe, stored):
            recipe = with_stored_length(recipe, stored)
    elif may_lengthen and recipe.run.steps > stored_steps(stored):
        recipe = recipe.with_options(steps=stored_steps(stored))
    return differences(recipe, stored)


def is_lengthened(recipe: Recipe, folder: RunFolder) -> bool:
    """Returns True if a recipe may be longer than the run in a folder."""
    stored = read_recipe(folder.path)
    if recipe.run.steps_known_later:
        return not _same_length(recipe, stored)
    return recipe.run.steps > stored_steps(stored)


def _same_length(recipe: Recipe, stored: dict[str, Any]) -> bool:
    return all(stored.get(name) == recipe.flat()[name] for name in _LENGTHS)


def with_stored_length(recipe: Recipe, stored: dict[str, Any]) -> Recipe:
    """Returns a recipe with the number of steps in the content of a `recipe.json`.

    If the recipe has `minutes`, the intervals that the user did not give are the stored ones too.

    Raises:
        UserError: the number of steps is damaged.
    """
    changes: dict[str, Any] = {"steps": stored_steps(stored)}
    if recipe.run.minutes is not None:
        fixed = [name for name in _INTERVALS if name in stored and name not in recipe.given]
        changes |= {name: stored[name] for name in fixed}
    return recipe.with_options(**changes)


def stored_steps(stored: dict[str, Any]) -> int:
    """Returns the number of steps in the content of a `recipe.json`.

    Raises:
        UserError: there is no such number.
    """
    steps = stored.get("steps")
    if isinstance(steps, int):
        return steps
    raise UserError(f"The recipe.json of this run is damaged: `steps` is {steps!r}.")


def lengthen(folder: RunFolder, recipe: Recipe) -> None:
    """Stores a new number of steps, if the recipe is longer than the run in the folder.

    The result is removed first, so that a process that is killed in between leaves an
    unfinished run of the old length.

    Raises:
        UserError: the recipe is shorter, or the run is finished and has no checkpoint.
    """
    before = stored_steps(read_recipe(folder.path))
    if recipe.run.steps == before:
        return
    if recipe.run.steps < before:
        raise UserError(
            f"{folder.path} holds a run of {before:,} steps, and {recipe.run.steps:,} are fewer: "
            "a run can be lengthened, not shortened. Give another --run-dir."
        )
    if folder.result.exists() and not any(folder.path.glob("checkpoints/step-*.npz")):
        raise UserError(
            f"The run {folder.path} cannot be lengthened because its checkpoints are missing. "
            f"Start a new run from its weights: --init-from {shlex.quote(str(folder.path))}."
        )
    folder.result.unlink(missing_ok=True)
    write_text(folder.recipe, to_json(recipe))
    print(f"{folder.path} is lengthened from {before:,} to {recipe.run.steps:,} steps.")
    if _has_schedules(recipe):
        print(
            "Its schedules follow the new length from now on, so its numbers differ from those "
            "of a run that had this length from the start."
        )


def _has_schedules(recipe: Recipe) -> bool:
    """Returns True if anything is a share of the length of the run."""
    options = recipe.flat()
    shares = ("warm_up", "burn_in", "unlabelled_ramp", "adversarial_start", "adversarial_ramp")
    decay = recipe.optimizers.learning_rate_decay
    return decay in ("linear", "cosine") or any(options.get(name) for name in shares)


def check_label_map(folder: RunFolder, label_map: LabelMap) -> None:
    """Checks that the label map is that of the run in the folder, if there is one.

    Raises:
        UserError: it is another one.
    """
    try:
        text = folder.label_map.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    stored = LabelMap.from_json(text)
    if stored.digest != label_map.digest:
        raise UserError(
            f"{folder.path} chose {stored.count:,} labelled images of {stored.data}, and the same "
            f"seed now chooses others of {label_map.data}: the data have changed since the run "
            "began. Restore the data of the run, or start a new run with another --run-dir."
        )
