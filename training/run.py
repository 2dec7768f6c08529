"""One run, from its recipe to its result: build, train (or resume), evaluate, save."""

import contextlib
import dataclasses
import gc
import json
import time
from typing import Any

import tensorflow as tf

from training.build import build_for
from training.callbacks.saving import StopRequest
from training.callbacks.tolerating import tolerating
from training.compilation import with_jit
from training.console import print_header
from training.data.image_data import ImageData
from training.data.label_maps import LabelMap
from training.data.pipeline import Stream
from training.data_digest import check_same_data, write_data_record
from training.disk_space import writing
from training.distribute import describe, is_chief, losing_workers
from training.init_from import initialise
from training.input_place import with_input
from training.lock import RunLock
from training.recipe import Recipe
from training.resuming import check_label_map, check_resumable, lengthen
from training.run_folder import RunFolder, write_text
from training.stage_calibration import calibrated
from training.stage_training import StageTraining
from training.stages import Stage, stages_of
from training.steps_per_call import with_steps_per_call
from training.streams import batches, label_map_of, streams_of
from training.timed import fixed_length, is_short
from zoo.models import AdversarialModel


def run(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    strategy: tf.distribute.Strategy,
    *,
    first: RunFolder | None = None,
) -> dict[str, Any]:
    """Trains, evaluates and saves what a recipe states; resumes a run that was interrupted.

    Args:
        recipe: a checked recipe.
        data: the images.
        folder: from `find_run`.
        strategy: from `make_strategy`.
        first: the folder of the first of several seeds, whose length in steps this run has too.

    Returns:
        The result, as written to `result.json`.

    Raises:
        UserError: a mistake in the recipe that shows only with the data, other data than those of
            the run in the folder, or another process that trains there.
        Interrupted: the process was told to stop; the state is saved.
    """
    chief = is_chief(strategy)
    prepared = _prepared(recipe, data, folder, strategy, first=first)
    recipe, label_map = prepared.recipe, prepared.label_map
    stages = stages_of(recipe, data, folder, prepared.model, prepared.streams, first=first)
    # The first stage is built before anything is written: it refuses unknown metrics.
    trained = [next(stages)]
    with RunLock(folder.path) if chief else contextlib.nullcontext() as lock:
        if chief:
            _describe(recipe, data, label_map, folder)
            print_header(
                recipe,
                prepared.model,
                data,
                label_map,
                devices=describe(strategy),
                folder=folder,
                expected=prepared.expected,
            )
        result = _protocol(recipe, data, label_map)
        with StopRequest() as request:
            announces = not prepared.expected
            training = StageTraining(recipe, data, folder, request, lock, announces=announces)
            result |= training.train(trained[0]) | trained[0].choose()
            for stage in stages:
                print(f"\n{stage.title}", flush=True)
                result |= stage.keys(training.train(stage) | stage.choose())
                trained.append(stage)
        for stage in trained:
            result |= stage.keys(stage.test_error(data) | calibrated(stage.model.classifier, data))
        if chief:
            _write_result(trained, folder, result)
    return result


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a run needs before its first step.

    Attributes:
        recipe: the recipe with all choices.
        model: the model, before its first step.
        streams: the training images by stream.
        label_map: the training images that have a label; None for models that choose none.
        expected: the expected end, for the header; empty if it is not known yet.
    """

    recipe: Recipe
    model: AdversarialModel
    streams: dict[str, Stream]
    label_map: LabelMap | None
    expected: str


def _prepared(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    strategy: tf.distribute.Strategy,
    *,
    first: RunFolder | None,
) -> Prepared:
    """Checks the recipe against the data, decides what it leaves open, and builds the model."""
    begun = time.monotonic()
    recipe = recipe.with_steps(training_images=len(data.train.images))
    chief = is_chief(strategy)
    asked = recipe.devices.steps_per_call
    recipe = with_steps_per_call(recipe, image_shape=data.image_shape)
    if chief:
        check_same_data(folder.path, data)
    label_map = label_map_of(recipe, data)
    if chief and label_map is not None:
        check_label_map(folder, label_map)
    recipe = with_input(recipe, data, strategy)
    model = _build(recipe, data, strategy)
    streams = streams_of(recipe, data, label_map)
    recipe = _compiled(recipe, folder, model, streams)
    expected = ""
    if recipe.run.minutes is not None:
        timed = fixed_length(recipe, data, (folder, first), model, streams, begun=begun)
        expected = timed.expected
        recipe = timed.recipe.with_options(steps_per_call=asked)
        recipe = with_steps_per_call(recipe, image_shape=data.image_shape)
        # The intervals may be those of a run with other calls.
        recipe.with_options(minutes=None).check()
        # The schedules follow the length, so the model is built again.
        del model
        gc.collect()
        model = _build(recipe, data, strategy)
    return Prepared(recipe, model, streams, label_map, expected)


def _compiled(
    recipe: Recipe, folder: RunFolder, model: AdversarialModel, streams: dict[str, Stream]
) -> Recipe:
    """Returns the recipe with the choice of `--jit auto`; a short run has no trial of XLA."""
    steps = 1 if is_short(recipe) else recipe.run.steps
    tried = recipe.with_options(steps=steps)
    decided = with_jit(tried, folder, model, lambda: next(iter(batches(recipe, model, streams))))
    return recipe.with_options(jit=decided.devices.jit)


def _build(recipe: Recipe, data: ImageData, strategy: tf.distribute.Strategy) -> AdversarialModel:
    """Builds the model of a recipe, with the weights that `init_from` names."""
    with losing_workers(strategy):
        model = build_for(recipe, data, strategy)
    if recipe.run.init_from is not None:
        initialise(model, recipe.run.init_from, class_names=data.class_names)
    return model


def _describe(
    recipe: Recipe, data: ImageData, label_map: LabelMap | None, folder: RunFolder
) -> None:
    """Writes the recipe, the record of the data and the label map, unless they exist."""
    folder.create(recipe)
    # Another process may have begun a run here since `find_run`.
    check_resumable(folder.path, recipe)
    check_same_data(folder.path, data)
    lengthen(folder, recipe)
    with writing(folder.path, "the description of the run"):
        write_data_record(folder.path, data)
        if label_map is not None and not folder.label_map.exists():
            write_text(folder.label_map, label_map.to_json())


def _write_result(stages: list[Stage], folder: RunFolder, result: dict[str, Any]) -> None:
    """Writes the presets of a trained run, then its result, which closes the run."""
    with writing(folder.path, "the preset and the result"):
        for stage in stages:
            stage.save(folder, result)
        text = json.dumps(result, indent=2) + "\n"
        tolerating(lambda: folder.add_score(result), what="the scores")
        write_text(folder.result, text)


def _protocol(recipe: Recipe, data: ImageData, label_map: LabelMap | None) -> dict[str, Any]:
    """Returns the protocol of the numbers in the result."""
    result: dict[str, Any] = {
        "model": recipe.model,
        "data": data.name,
        "seed": recipe.run.seed,
        "steps": recipe.run.steps,
        "seconds": None,
        "precision": recipe.devices.precision,
        "jit": recipe.devices.jit,
        "weights": "last" if recipe.step.ema is None else "average",
    }
    if label_map is not None:
        result |= {
            "labels": label_map.count,
            "label_map": label_map.digest,
            "train_images": len(data.train.images),
            "test_images": len(data.test.images),
            "split": "test",
        }
    if data.skipped:
        result["skipped_files"] = {skipped.reason: skipped.count for skipped in data.skipped}
    if data.warnings:
        result["data_warnings"] = list(data.warnings)
    return result
