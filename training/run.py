"""One run, from its recipe to its result: build, train (or resume), evaluate, save."""

import contextlib
import dataclasses
import gc
import json
import sys
import time
from typing import Any

import tensorflow as tf

from training.build import build_for
from training.callbacks.compiling import Compiling
from training.callbacks.counting import CountingCallback
from training.callbacks.guarding import Guarding
from training.callbacks.pace import Pace
from training.callbacks.reporting import reporting
from training.callbacks.saving import Saving, StopRequest, saving_if_closed
from training.callbacks.tolerating import tolerating
from training.checkpoint import Checkpoints
from training.compilation import with_jit
from training.console import print_header
from training.data.image_data import ImageData
from training.data.label_maps import LabelMap
from training.data.pipeline import Stream
from training.data_digest import check_same_data, write_data_record
from training.disk_space import writing
from training.distribute import describe, is_chief, losing_workers
from training.equal_seconds import add_pace
from training.init_from import initialise
from training.input_place import with_input
from training.lock import RunLock
from training.recipe import Recipe
from training.resuming import check_label_map, check_resumable, lengthen
from training.run_folder import RunFolder, write_text
from training.stage_calibration import calibrated
from training.stages import Stage, checkpoint_folder, stages_of
from training.steps_per_call import stacked, with_steps_per_call
from training.streams import batches, label_map_of, streams_of
from training.timed import fixed_length, is_short
from training.waiting import Waiting
from zoo.errors import UserError
from zoo.models import AdversarialModel


@dataclasses.dataclass(frozen=True)
class Run:
    """A run, shared by its stages.

    Attributes:
        recipe: the resolved recipe.
        data: the images.
        folder: the folder of the run.
        request: reports Ctrl-C and SIGTERM.
        lock: the lock of the folder; None in a process that does not write.
        announces: bool; False if the header contains the expected end of the run.
    """

    recipe: Recipe
    data: ImageData
    folder: RunFolder
    request: StopRequest
    lock: RunLock | None = None
    announces: bool = True

    def train(self, stage: Stage) -> dict[str, Any]:
        """Trains the model of a stage to the last step, from its newest checkpoint on.

        Returns:
            `seconds`: None for a resumed stage, whose whole time is not known.
            `waiting`: the share of the time that steps waited for their batches, if measured.
            `steps`: the number of steps, if it is not that of the run.

        Raises:
            Interrupted: the process was told to stop; the state is saved.
            WorkerLost: another process of the run has ended.
        """
        recipe, model, scores = stage.recipe or self.recipe, stage.model, stage.scores
        chief = is_chief(model.distribute_strategy)
        checkpoints = Checkpoints(
            checkpoint_folder(self.folder, stage.name),
            model,
            writes=chief,
            extra={} if scores is None else scores.state,
        )
        first = checkpoints.restore()
        if first and chief:
            print(f"Going on from step {first:,}.", flush=True)
        if first % recipe.devices.known_steps_per_call:
            raise UserError(
                f"The run has stopped at step {first}, which is not a multiple of --steps-per-call "
                f"{recipe.devices.steps_per_call}: resume it with --steps-per-call 1."
            )
        started = None if first else time.monotonic()
        pace = Pace(
            steps=recipe.run.steps,
            announces=self.announces and chief,
            waiting=Waiting(deterministic=recipe.devices.deterministic),
            first_step=first,
        )
        callbacks = self._callbacks(recipe, stage, checkpoints, pace)
        every, last = recipe.run.report_every, recipe.run.steps
        while first < last:
            # Reports fall on multiples of `every`, wherever a run was resumed.
            steps = min(every - first % every, last - first)
            epochs = (last - first) // every if steps == every else 1
            with (
                losing_workers(model.distribute_strategy, self.request),
                saving_if_closed(checkpoints),
            ):
                model.fit(
                    pace.waiting.measured(
                        stacked(batches(recipe, model, stage.streams, first_step=first), model)
                    ),
                    steps_per_epoch=steps,
                    initial_epoch=first // every,
                    epochs=first // every + epochs,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=(1 if sys.stdout.isatty() else 2) if chief else 0,
                )
            first += steps * epochs
        checkpoints.save()
        if chief and not stage.name:
            add_pace(self.folder, seconds_per_step=pace.seconds_per_step())
        seconds = None if started is None else round(time.monotonic() - started, 1)
        result: dict[str, Any] = {"seconds": seconds} | pace.waiting_share()
        return result if recipe is self.recipe else result | {"steps": recipe.run.steps}

    def _callbacks(
        self, recipe: Recipe, stage: Stage, checkpoints: Checkpoints, pace: Pace
    ) -> list[CountingCallback]:
        first_step = pace.run_step
        saving = Saving(
            checkpoints,
            every=recipe.run.checkpoint_every,
            request=self.request,
            first_step=first_step,
            lock=self.lock,
        )
        callbacks: list[CountingCallback] = [pace, Guarding(first_step=first_step), saving]
        if stage.scores is not None:
            # Before `Saving`, so that a checkpoint holds the scores of its own step.
            stage.scores.run_step = first_step
            callbacks.insert(0, stage.scores)
        if is_chief(stage.model.distribute_strategy):
            callbacks.append(Compiling(first_step=first_step))
            log = self.folder.path / "logs" / (stage.name or "train")
            callbacks += reporting(
                recipe, self.data, self.folder, stage.model, log=log, first_step=first_step
            )
        return callbacks


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
    stages = stages_of(recipe, data, folder, model, streams, first=first)
    # The first stage is built before anything is written: it refuses unknown metrics.
    trained = [next(stages)]
    with RunLock(folder.path) if chief else contextlib.nullcontext() as lock:
        if chief:
            _describe(recipe, data, label_map, folder)
            print_header(
                recipe,
                model,
                data,
                label_map,
                devices=describe(strategy),
                folder=folder,
                expected=expected,
            )
        result = _protocol(recipe, data, label_map)
        with StopRequest() as request:
            this_run = Run(recipe, data, folder, request, lock, announces=not expected)
            result |= this_run.train(trained[0]) | trained[0].choose()
            for stage in stages:
                print(f"\n{stage.title}", flush=True)
                result |= stage.keys(this_run.train(stage) | stage.choose())
                trained.append(stage)
        for stage in trained:
            result |= stage.keys(stage.test_error(data) | calibrated(stage.model.classifier, data))
        if chief:
            _write_result(trained, folder, result)
    return result


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
