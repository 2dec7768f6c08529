"""What is evaluated: a run, the runs of several seeds, or a preset."""

import dataclasses
import json
import pathlib
from typing import Any

from training.recipe import Recipe
from training.recipe_file import override
from training.recipes import find
from training.run_folder import RunFolder, read_recipe
from zoo.errors import UserError


def stored_recipe(folder: pathlib.Path) -> Recipe:
    """Makes the recipe of a run from its `recipe.json`."""
    fields = read_recipe(folder)
    recipe = find(str(fields.get("model")), data=str(fields.get("data")))
    return override(recipe, fields, source=str(folder / "recipe.json"))


@dataclasses.dataclass(frozen=True)
class Target:
    """What is evaluated.

    Attributes:
        preset: folder or built-in name of a preset.
        described: what every row says of it: where it is, model, seed.
        recipe: the run's recipe; None for a preset alone.
        run: the run's folder; None for a preset alone.
    """

    preset: str
    described: dict[str, Any]
    recipe: Recipe | None = None
    run: RunFolder | None = None


def find_targets(source: str) -> list[Target]:
    """Finds the run, the runs of several seeds, or the preset that is meant.

    Raises:
        UserError: an unfinished run, or nothing that can be evaluated.
    """
    folder = pathlib.Path(source)
    seeds = sorted(folder.glob("seed-*/recipe.json"))
    if seeds:
        return [_run_target(path.parent) for path in seeds]
    if (folder / "recipe.json").exists():
        return [_run_target(folder)]
    from zoo.presets.read import read

    described = {"evaluated": source, **_trained(_training(read(source).metadata))}
    # A control was shown the images of its run, so of their size.
    run = folder.parents[1] if folder.parts[-2:] == ("control", "preset") else None
    recipe = None if run is None or not (run / "recipe.json").exists() else stored_recipe(run)
    return [Target(source, described, recipe)]


def _training(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a preset says of its training: a run's its result, a shipped one its recipe."""
    if isinstance(result := metadata.get("training"), dict):
        return result
    recipe = metadata.get("recipe")
    recipe = recipe if isinstance(recipe, dict) else {}
    weights = "last" if recipe.get("ema") is None else "average"
    return recipe | {"weights": weights} if recipe else {}


def _run_target(folder: pathlib.Path) -> Target:
    recipe, run = stored_recipe(folder), RunFolder(folder)
    if not run.preset.exists():
        raise UserError(f"{folder} has no preset yet: finish the run with its own command first.")
    result = json.loads(run.result.read_text()) if run.result.exists() else {}
    return Target(str(run.preset), {"evaluated": str(run.preset), **_trained(result)}, recipe, run)


def _trained(result: dict[str, Any]) -> dict[str, Any]:
    """What a row repeats of how the model was trained."""
    names = {"model": "model", "data": "trained_on", "seed": "seed", "steps": "steps"}
    names |= {"weights": "weights", "labels": "labels"}
    return {mine: result[name] for name, mine in names.items() if name in result}
