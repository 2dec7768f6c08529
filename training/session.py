"""One run, from its recipe to its result: build, train (resuming), evaluate, keep."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from training.callbacks.counting import CountingCallback
from training.callbacks.diagnostics import Diagnostics
from training.callbacks.guarding import Guarding
from training.callbacks.modes import ModeCount
from training.callbacks.samples import Samples
from training.callbacks.saving import Saving, StopRequest
from training.callbacks.summaries import Summaries
from training.callbacks.throughput import Brief, Throughput
from training.callbacks.validation import Validation
from training.checkpoint import Checkpoints
from training.console import print_header
from training.data.image_data import ImageData
from training.data.label_maps import LabelMap
from training.data.pipeline import training_dataset
from training.data.toys import MIXTURES
from training.distribute import compiled, describe, is_chief, losing_workers
from training.errors import UserError
from training.initial import initialise
from training.metrics.error_rate import error_rate
from training.recipe import Recipe
from training.run_folder import RunFolder, write_text
from zoo.models.trainer import StatelessTrainer

if TYPE_CHECKING:
    from training.callbacks.scores import Scores

Trainer = TypeVar("Trainer", bound=StatelessTrainer | None)

BRIEF = (
    "critic_loss",
    "generator_loss",
    "cross_entropy",
    "train_error",
    "gap",
    "active_hinges",
    "modes",
    "near_modes",
    "images_per_second",
    "val_error",
    "score_fid",
    "score_kid",
    "score_is",
    "score_precision",
    "score_recall",
    "score_mre",
    "score_error",
)


@dataclasses.dataclass(frozen=True)
class Session:
    """What the parts of a run share.

    Attributes:
        recipe: the resolved recipe.
        data: the images.
        folder: the run's folder.
        request: watched for Ctrl-C and SIGTERM.
        scores: what measures while it trains; None for nothing.
        chosen: how the state that is the outcome was chosen; empty where it is the last.
    """

    recipe: Recipe
    data: ImageData
    folder: RunFolder
    request: StopRequest
    scores: "Scores | None" = None
    chosen: dict[str, Any] = dataclasses.field(default_factory=dict)

    def train(self, model: StatelessTrainer, streams: dict, *, name: str) -> float | None:
        """Trains a model to the recipe's last step, from its newest checkpoint on.

        Args:
            model: a compiled trainer.
            streams: which images it is shown.
            name: `""` for the model itself, or a sub-folder's name.

        Returns:
            Seconds; None for a training that was resumed, whose whole time is not known.

        Raises:
            Interrupted: told to stop; the state is saved.
            WorkerLost: another process of the run has ended.
        """
        recipe = self.recipe
        chief = is_chief(model.distribute_strategy)
        folder = self.folder.path / name / "checkpoints"
        scores = None if name else self.scores
        extra = {} if scores is None else scores.state
        checkpoints = Checkpoints(folder, model, writes=chief, extra=extra)
        first = checkpoints.restore()
        if first and chief:
            print(f"Going on from step {first:,}.", flush=True)
        if first % recipe.steps_per_call:
            raise UserError(
                f"The run stands at step {first}, no multiple of --steps-per-call "
                f"{recipe.steps_per_call}: go on with --steps-per-call 1."
            )
        started = None if first else time.monotonic()
        callbacks: list[CountingCallback] = [
            Guarding(first_step=first),
            Saving(
                checkpoints, every=recipe.checkpoint_every, request=self.request, first_step=first
            ),
        ]
        if scores is not None:
            # Before `Saving`, so that a checkpoint holds the scores of its own step.
            scores.run_step = first
            callbacks.insert(0, scores)
        if chief:
            callbacks += self._reporting(model, name=name, first=first)
        every = recipe.report_every
        while first < recipe.steps:
            # Reports fall on multiples of `every`, wherever a run was resumed.
            steps = min(every - first % every, recipe.steps - first)
            whole = steps == every
            epochs = (recipe.steps - first) // every if whole else 1
            with losing_workers(model.distribute_strategy, self.request):
                model.fit(
                    self._batches(model, streams, first_step=first),
                    steps_per_epoch=steps,
                    initial_epoch=first // every,
                    epochs=first // every + epochs,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=(1 if sys.stdout.isatty() else 2) if chief else 0,
                )
            first += steps * epochs
        checkpoints.save()
        seconds = None if started is None else round(time.monotonic() - started, 1)
        if scores is not None:
            self.chosen.update(scores.restore_best())
        return seconds

    def _batches(self, model: StatelessTrainer, streams: dict, *, first_step: int) -> Any:
        """Makes the batches of all steps from one on."""
        recipe = self.recipe
        return training_dataset(
            streams,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            first_step=first_step,
            critic_steps=model.batches_per_step,
            shift=recipe.shift,
            flip=recipe.flip,
            rotate=recipe.rotate,
            zoom=recipe.zoom,
            strategy=model.distribute_strategy,
        )

    def _reporting(
        self, model: StatelessTrainer, *, name: str, first: int
    ) -> list[CountingCallback]:
        """Makes the callbacks that write or print, which only one process of a run has."""
        recipe = self.recipe
        writer = tf.summary.create_file_writer(str(self.folder.path / "logs" / (name or "train")))
        with writer.as_default(step=first):
            hparams.hparams(_scalars(recipe))
        images = recipe.batch_size * model.batches_per_step
        callbacks: list[CountingCallback] = [Throughput(images_per_step=images, first_step=first)]
        if hasattr(model, "classifier"):
            callbacks.append(Validation(self.data.validation))
        if hasattr(model, "sampler"):
            samples = self.folder.path / "samples"
            mixture = MIXTURES.get(self.data.name)
            if mixture is None:
                callbacks.append(Samples(samples, writer, first_step=first))
            else:
                callbacks.append(ModeCount(mixture, samples, writer, first_step=first))
            callbacks.append(Diagnostics(self.data.validation))
        callbacks.append(Summaries(writer, self.data.validation, first_step=first))
        return [*callbacks, Brief(BRIEF)]


def _scalars(recipe: Recipe) -> dict[str, Any]:
    values = dataclasses.asdict(recipe)
    return {
        key: value for key, value in values.items() if isinstance(value, (bool, int, float, str))
    }


def run(
    recipe: Recipe, data: ImageData, folder: RunFolder, strategy: tf.distribute.Strategy
) -> dict[str, Any]:
    """Trains, evaluates and keeps what a recipe says; resumes what is there.

    Args:
        recipe: a checked recipe.
        data: the images.
        folder: from `find_run`.
        strategy: from `make_strategy`.

    Returns:
        The result, as written to `result.json`.

    Raises:
        UserError: a mistake in the recipe that shows only with the data.
        Interrupted: told to stop; the state is saved.
    """
    recipe = recipe.with_steps(training_images=len(data.train.images))
    label_map = recipe.label_map(data)
    model = _build(recipe.build, recipe, data, strategy)
    if recipe.init_from is not None:
        initialise(model, recipe.init_from)
    # What cannot be measured is said before anything is written.
    scores = _scores(recipe, data, folder, model) if recipe.score_metrics else None
    if is_chief(strategy):
        folder.create(recipe)
        if label_map is not None:
            write_text(folder.path / "label_map.json", label_map.to_json())
        print_header(recipe, model, data, label_map, devices=describe(strategy), folder=folder)
    with StopRequest() as request:
        session = Session(recipe, data, folder, request, scores)
        seconds = session.train(model, recipe.streams(data, label_map), name="")
        control = _build(recipe.build_control, recipe, data, strategy)
        if control is not None:
            print("\nSupervised control: same network, labels and steps.", flush=True)
            labelled = {"labelled": recipe.streams(data, label_map)["labelled"]}
            control_seconds = session.train(control, labelled, name="control")
    result = _result(recipe, data, label_map, seconds=seconds) | session.chosen
    if hasattr(model, "classifier"):
        result["test_error"] = error_rate(model.classifier, data.test)
    if control is not None:
        result["control_test_error"] = error_rate(control.classifier, data.test)
        result["control_seconds"] = control_seconds
    if is_chief(strategy):
        recipe.save_preset(model, folder.preset, metadata={"training": result})
        folder.add_score(result)
        write_text(folder.result, json.dumps(result, indent=2) + "\n")
    return result


def _scores(
    recipe: Recipe, data: ImageData, folder: RunFolder, model: StatelessTrainer
) -> "Scores":
    """Makes what measures while it trains."""
    # This imports the metrics, which are not always needed.
    from training.callbacks.scores import Scores, make_evaluation, score_interval

    strategy = model.distribute_strategy
    return Scores(
        model,
        make_evaluation(recipe, data, strategy),
        folder,
        every=score_interval(recipe, batches_per_step=model.batches_per_step),
        described={"model": recipe.model, "seed": recipe.seed},
        best_by=recipe.best_by,
        writes=is_chief(strategy),
    )


def _build(
    build: Callable[..., Trainer],
    recipe: Recipe,
    data: ImageData,
    strategy: tf.distribute.Strategy,
) -> Trainer:
    """Builds a model under the strategy, from the run's seed, in the run's precision."""
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    try:
        with strategy.scope():
            model = build(image_shape=data.image_shape, class_names=data.class_names)
    except ValueError as error:  # What the zoo says of arguments that cannot be.
        raise UserError(str(error)) from None
    finally:
        keras.config.set_dtype_policy("float32")
    if model is not None:
        model.jit_compile = compiled(recipe, strategy)
        model.steps_per_execution = recipe.steps_per_call
    return model


def _result(
    recipe: Recipe, data: ImageData, label_map: LabelMap | None, *, seconds: float | None
) -> dict[str, Any]:
    """The protocol of the numbers."""
    result: dict[str, Any] = {
        "model": recipe.model,
        "data": data.name,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "seconds": seconds,
        "precision": recipe.precision,
        "weights": "average" if getattr(recipe, "ema", None) is not None else "last",
    }
    if label_map is not None:
        result |= {
            "labels": label_map.count,
            "label_map": label_map.digest,
            "train_images": len(data.train.images),
            "test_images": len(data.test.images),
            "split": "test",
        }
    return result
