"""The control that trains for as many seconds as the model: its number of steps."""

import json
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from training.agreement import agree
from training.distribute import is_chief
from training.length import MARGIN, Trial, round_down
from training.recipe import Recipe
from training.run_folder import RunFolder, write_text

KEY = "control_equal_seconds"


def steps_of_equal_seconds(
    recipe: Recipe,
    folders: tuple[RunFolder, RunFolder | None],
    strategy: tf.distribute.Strategy,
    try_control: Callable[[], Trial],
) -> int:
    """Returns the number of steps of the control, and stores it in the folder of the run.

    A stored number is used again. If the run has been lengthened since, the number grows with it.
    All hosts must call this together.

    Args:
        recipe: the recipe of the run, with its length.
        folders: the folder of the run, and that of the first of several seeds.
        strategy: the strategy of the run.
        try_control: measures the control.
    """
    known = 0
    if is_chief(strategy):
        known = _stored(recipe, folders[0]) or _stored(recipe, folders[1])
    (agreed,) = agree(strategy, [float(known)])
    steps = int(agreed)
    if not steps:
        trial = try_control()
        per_step = read_pace(folders[0]).get("seconds_per_step") if is_chief(strategy) else None
        (agreed,) = agree(strategy, [float(_decided(recipe, trial, per_step))])
        steps = int(agreed)
    if is_chief(strategy):
        add_pace(folders[0], **{KEY: {"steps": steps, "steps_of_model": recipe.run.steps}})
    return steps


def _stored(recipe: Recipe, folder: RunFolder | None) -> int:
    stored = {} if folder is None else read_pace(folder).get(KEY) or {}
    if not stored:
        return 0
    if stored["steps_of_model"] == recipe.run.steps:
        return int(stored["steps"])
    several = recipe.devices.known_steps_per_call
    steps = stored["steps"] * recipe.run.steps / stored["steps_of_model"]
    return round_down(steps, digits=3, multiple=several)


def _decided(recipe: Recipe, trial: Trial, seconds_per_step: float | None) -> int:
    """Returns the steps of the control in the seconds of the model's steps."""
    if seconds_per_step is None:
        return recipe.run.steps
    reports = recipe.run.steps / recipe.run.report_every
    checkpoints = recipe.run.steps / recipe.run.checkpoint_every
    seconds = seconds_per_step * recipe.run.steps
    seconds -= reports * (trial.report + trial.score) + checkpoints * trial.checkpoint
    steps = max(seconds, 0.0) / (trial.step * MARGIN)
    return round_down(steps, digits=3, multiple=recipe.devices.known_steps_per_call)


def stretched(recipe: Recipe, steps: int) -> Recipe:
    """Returns a recipe of another number of steps, with as many reports, scores and stairs."""
    several, factor = recipe.devices.known_steps_per_call, steps / recipe.run.steps

    def scaled(interval: int) -> int:
        return max(round(interval * factor / several), 1) * several

    changes: dict[str, Any] = {
        "steps": steps,
        "report_every": scaled(recipe.run.report_every),
        "checkpoint_every": scaled(recipe.run.checkpoint_every),
    }
    if recipe.scores.score_every is not None:
        changes["score_every"] = recipe.scores.score_every * factor
    if recipe.optimizers.decay_every is not None:
        changes["decay_every"] = max(round(recipe.optimizers.decay_every * factor), 1)
    return recipe.with_options(**changes)


def read_pace(folder: RunFolder) -> dict[str, Any]:
    """Returns what was measured in a run; an empty dict if the file is missing or damaged."""
    try:
        stored = json.loads(folder.pace.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def add_pace(folder: RunFolder, **values: Any) -> None:
    """Stores measured values; those that are None leave the earlier ones."""
    new = {name: value for name, value in values.items() if value is not None}
    text = json.dumps(read_pace(folder) | new, indent=2) + "\n"
    write_text(folder.pace, text)
