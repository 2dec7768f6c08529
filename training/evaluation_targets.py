"""Targets of an evaluation: a run, the runs of several seeds, or a preset."""

import dataclasses
import json
import os
import pathlib
from typing import Any

from training.controls import CONTROLS
from training.recipe import Recipe
from training.remote_run import add_remote_scores
from training.run_folder import RunFolder, append_lines
from training.stored_run import stored_recipe
from zoo.errors import UserError
from zoo.storage.address import is_remote, join


@dataclasses.dataclass(frozen=True)
class Target:
    """A preset to evaluate, with the run that it comes from.

    Attributes:
        preset: the preset's folder.
        described: fields for every row: source, model, seed and further training settings.
        recipe: the run's recipe; None for a preset without a run.
        run: the run's folder; None for a preset without a run.
        trained_in: the folder of the run that trained the preset; None if it is not known.
        address: the address of the run, if it is on an object store.
    """

    preset: str
    described: dict[str, Any]
    recipe: Recipe | None = None
    run: RunFolder | None = None
    trained_in: pathlib.Path | None = None
    address: str | None = None

    def add_scores(self, rows: list[dict[str, Any]]) -> None:
        """Appends evaluations to the `scores.jsonl` of the run, if the target is one.

        Raises:
            UserError: they cannot be written.
        """
        if self.address is not None:
            add_remote_scores(self.address, rows)
        elif self.run is not None:
            append_lines(self.run.scores, rows)


def find_targets(source: str) -> list[Target]:
    """Finds the run, the runs of several seeds, or the preset that `source` names.

    Raises:
        UserError: if a run is unfinished.
        ValueError: if `source` is not a run and not a preset.
    """
    from zoo.presets.handles import local_source
    from zoo.presets.read import read

    place = os.fspath(local_source(source))
    folder, remote = pathlib.Path(place), is_remote(source)
    seeds = sorted(folder.glob("seed-*/recipe.json"))
    if seeds:
        names = [path.parent.name for path in seeds]
        return [
            _run_target(folder / name, address=join(source, name) if remote else None)
            for name in names
        ]
    if (folder / "recipe.json").exists():
        return [_run_target(folder, address=source if remote else None)]
    preset = read(place)
    described = {"evaluated": source, **_training_fields(_training(preset.metadata))}
    # A control was trained on the images of its run.
    is_control = folder.name == "preset" and folder.parent.name in CONTROLS
    run = folder.parents[1] if is_control else None
    run = run if run is not None and (run / "recipe.json").exists() else None
    recipe = None if run is None else stored_recipe(run)
    # The folder instead of the handle, so that nothing is downloaded twice.
    return [Target(str(preset.folder), described, recipe, trained_in=run)]


def _training(metadata: dict[str, Any]) -> dict[str, Any]:
    """Returns the training settings in a preset's metadata.

    The preset of a run contains the run's result. A shipped preset contains the run's recipe.
    """
    if isinstance(result := metadata.get("training"), dict):
        return result
    recipe = metadata.get("recipe")
    recipe = recipe if isinstance(recipe, dict) else {}
    weights = "last" if recipe.get("ema") is None else "average"
    return recipe | {"weights": weights} if recipe else {}


def _run_target(folder: pathlib.Path, *, address: str | None) -> Target:
    recipe, run = stored_recipe(folder), RunFolder(folder)
    if not run.preset.exists():
        raise UserError(f"{folder} has no preset yet: finish the run with its own command first.")
    result = json.loads(run.result.read_text()) if run.result.exists() else {}
    evaluated = str(run.preset) if address is None else join(address, run.preset.name)
    described = {"evaluated": evaluated, **_training_fields(result)}
    return Target(str(run.preset), described, recipe, run, folder, address)


def _training_fields(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a result that each row repeats."""
    names = {"model": "model", "data": "trained_on", "seed": "seed", "steps": "steps"}
    names |= {"weights": "weights", "labels": "labels"}
    return {field: result[name] for name, field in names.items() if name in result}
