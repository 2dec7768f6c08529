"""Runs whose length is given in minutes: the trial, the decision, and the stored length."""

import dataclasses
import gc
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from training.agreement import agree
from training.controls import CONTROLS
from training.data.image_data import ImageData
from training.data.pipeline import Stream
from training.distribute import is_chief
from training.length import (
    Length,
    Trial,
    as_typed,
    decide,
    duration,
    length_of,
    seconds_of,
    until,
)
from training.recipe import Recipe
from training.resuming import with_stored_length
from training.run_folder import RunFolder, read_recipe
from training.stages import build_stage_model, scores_of
from training.trial import on_gpu, try_out
from zoo.errors import UserError
from zoo.models import AdversarialModel

AUTO_MINUTES = {"CPU": 30.0, "GPU": 10.0}
"""Minutes of `auto`."""
SHORT_MINUTES = 20.0
"""In a shorter run, a trial of XLA does not pay: that of the default recipe of CLS-GAN takes two
minutes of processor time."""


@dataclasses.dataclass(frozen=True)
class Timed:
    """A run that is measured before it starts.

    Attributes:
        recipe: the recipe with the decided length.
        expected: the expected duration in words; empty without a trial.
    """

    recipe: Recipe
    expected: str = ""


def minutes_of(recipe: Recipe) -> float | None:
    """Returns the minutes of a run as a number; None if its length is given otherwise."""
    minutes = recipe.run.minutes
    if minutes == "auto":
        return AUTO_MINUTES["GPU" if on_gpu() else "CPU"]
    return None if minutes is None else float(minutes)


def is_short(recipe: Recipe) -> bool:
    """Returns True if the run has too few minutes for a trial of XLA."""
    minutes = minutes_of(recipe)
    return minutes is not None and minutes < SHORT_MINUTES


def stored_length(recipe: Recipe, folder: RunFolder | None) -> Length | None:
    """Returns the length that a run of as many minutes has stored; None if there is none."""
    if folder is None or not folder.recipe.exists():
        return None
    stored = read_recipe(folder.path)
    if stored.get("minutes") != recipe.run.minutes:
        return None
    return length_of(with_stored_length(recipe, stored))


def fixed_length(
    recipe: Recipe,
    data: ImageData,
    folders: tuple[RunFolder, RunFolder | None],
    model: AdversarialModel,
    streams: dict[str, Stream],
    *,
    begun: float,
) -> Timed:
    """Decides the number of steps of a run that is given in minutes.

    A run that has begun, and a further seed of a run, have the stored number. Otherwise a trial
    decides, after which the model is of no use. All hosts must call this together.

    Args:
        recipe: a checked recipe with `minutes`.
        data: the images.
        folders: the folder of the run, and that of the first of several seeds.
        model: the compiled model of the recipe, built for the trial.
        streams: the training images by stream.
        begun: the value of `time.monotonic()` when the run began.

    Raises:
        UserError: the time is too short.
    """
    strategy = model.distribute_strategy
    known = None
    if is_chief(strategy):
        known = stored_length(recipe, folders[0]) or stored_length(recipe, folders[1])
    if known := _agreed(strategy, known):
        return Timed(known.applied(recipe))
    if is_chief(strategy):
        print("--minutes: measuring the step ...", flush=True)
    trial = try_out(
        recipe, data, model, streams, lambda place: scores_of(recipe, data, place, model)
    )
    error, length = None, None
    if is_chief(strategy):
        try:
            length = decide(
                recipe,
                trial,
                minutes=minutes_of(recipe) or 0.0,
                spent=time.monotonic() - begun,
                batches_per_step=model.batches_per_step,
            )
        except UserError as mistake:
            error = mistake
    length = _agreed(strategy, length)
    if length is None:
        raise error or UserError(
            f"--minutes {as_typed(recipe.run.minutes)} is too short. The chief prints how many are "
            "enough."
        )
    decided = length.applied(recipe)
    return Timed(decided, _expected(decided, data, model, streams, trial))


def _agreed(strategy: tf.distribute.Strategy, length: Length | None) -> Length | None:
    """Returns the chief's length on all hosts."""
    mine = [0, 0, 0, 0.0] if length is None else list(dataclasses.astuple(length))
    steps, report, checkpoint, score = agree(strategy, [float(one or 0) for one in mine])
    if not steps:
        return None
    return Length(int(steps), int(report), int(checkpoint), score or None)


def _expected(
    recipe: Recipe,
    data: ImageData,
    model: AdversarialModel,
    streams: dict[str, Stream],
    trial: Trial,
) -> str:
    """Returns the expected durations of the model and its controls, in words."""
    length = length_of(recipe)
    seconds = seconds_of(trial, length, scores=_score_count(recipe, model))
    text = f"about {duration(seconds)}, until {until(seconds)}"
    for name in recipe.supervision.controls:
        of_control = seconds
        if name != "control_equal_seconds":
            control = build_stage_model(recipe, model, name)
            measured = try_out(
                recipe,
                data,
                control,
                streams,
                _scores_maker(recipe, data, control, name),
            )
            scores = _score_count(recipe, control) if measured.score else 0
            of_control = seconds_of(measured, length, scores=scores)
            del control
            gc.collect()
        text += f"; then {CONTROLS[name].short}, about {duration(of_control)}"
    return text


def _scores_maker(recipe: Recipe, data: ImageData, control: Any, name: str) -> Callable[..., Any]:
    return lambda place: scores_of(recipe, data, place, control, name=name)


def _score_count(recipe: Recipe, model: Any) -> int:
    if recipe.scores.score_metrics is None:
        return 0
    from training.callbacks.scores import score_interval

    interval = score_interval(recipe, batches_per_step=model.batches_per_step)
    return recipe.run.steps // interval
