"""One run, from its recipe to its result: build, train (resuming), evaluate, keep."""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import tensorflow as tf

from training.callbacks.counting import CountingCallback
from training.callbacks.guarding import Guarding
from training.callbacks.reporting import reporting
from training.callbacks.saving import Saving, StopRequest
from training.checkpoint import Checkpoints
from training.compilation import with_jit
from training.console import print_header
from training.data.image_data import ImageData
from training.data.label_maps import LabelMap
from training.data.pipeline import training_dataset
from training.distribute import describe, is_chief, losing_workers
from training.init_from import initialise
from training.metrics.error_rate import error_rate
from training.recipe import Recipe
from training.run_folder import RunFolder, write_text
from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer

if TYPE_CHECKING:
    from training.callbacks.scores import Scores

Trainer = TypeVar("Trainer", bound=StatelessTrainer | None)


@dataclasses.dataclass(frozen=True)
class Session:
    """What the parts of a run share.

    Attributes:
        recipe: the resolved recipe.
        data: the images.
        folder: the run's folder.
        request: watched for Ctrl-C and SIGTERM.
        scores: what measures while it trains, by the name of what is trained.
    """

    recipe: Recipe
    data: ImageData
    folder: RunFolder
    request: StopRequest
    scores: "dict[str, Scores]" = dataclasses.field(default_factory=dict)

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
        scores = self.scores.get(name)
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
            log = self.folder.path / "logs" / (name or "train")
            callbacks += reporting(recipe, self.data, self.folder, model, log=log, first_step=first)
        every = recipe.report_every
        while first < recipe.steps:
            # Reports fall on multiples of `every`, wherever a run was resumed.
            steps = min(every - first % every, recipe.steps - first)
            whole = steps == every
            epochs = (recipe.steps - first) // every if whole else 1
            with losing_workers(model.distribute_strategy, self.request):
                model.fit(
                    _batches(recipe, model, streams, first_step=first),
                    steps_per_epoch=steps,
                    initial_epoch=first // every,
                    epochs=first // every + epochs,
                    callbacks=callbacks,
                    shuffle=False,
                    verbose=(1 if sys.stdout.isatty() else 2) if chief else 0,
                )
            first += steps * epochs
        checkpoints.save()
        return None if started is None else round(time.monotonic() - started, 1)

    def choose(self, name: str) -> dict[str, Any]:
        """Puts the best state into the model; says how it was chosen, nothing if it is the last."""
        scores = self.scores.get(name)
        return {} if scores is None else scores.restore_best()


def _batches(recipe: Recipe, model: StatelessTrainer, streams: dict, *, first_step: int) -> Any:
    """Makes the batches of all steps from one on."""
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
    streams = recipe.streams(data, label_map)
    recipe = with_jit(
        recipe, folder, model, lambda: next(iter(_batches(recipe, model, streams, first_step=0)))
    )
    # What cannot be measured is said before anything is written.
    scores = {"": _scores(recipe, data, folder, model)} if recipe.score_metrics else {}
    if is_chief(strategy):
        folder.create(recipe)
        if label_map is not None:
            write_text(folder.path / "label_map.json", label_map.to_json())
        print_header(recipe, model, data, label_map, devices=describe(strategy), folder=folder)
    with StopRequest() as request:
        session = Session(recipe, data, folder, request, scores)
        seconds = session.train(model, streams, name="")
        result = _result(recipe, data, label_map, seconds=seconds) | session.choose("")
        control = _build(recipe.build_control, recipe, data, strategy)
        if control is not None:
            result |= _train_control(session, control, label_map)
    if hasattr(model, "classifier"):
        result["test_error"] = error_rate(model.classifier, data.test)
    if control is not None:
        result["control_test_error"] = error_rate(control.classifier, data.test)
    if is_chief(strategy):
        recipe.save_preset(model, folder.preset, metadata={"training": result})
        if control is not None:
            trained = {"training": _result_of_control(result)}
            control.classifier.save_to_preset(folder.control_preset, metadata=trained)
        folder.add_score(result)
        write_text(folder.result, json.dumps(result, indent=2) + "\n")
    return result


def _train_control(
    session: Session, control: StatelessTrainer, label_map: LabelMap | None
) -> dict[str, Any]:
    """Trains the supervised control; returns its part of the result.

    Where the validation error chooses the model's outcome, it chooses the control's too.
    """
    print("\nSupervised control: same network, labels and steps.", flush=True)
    recipe, data, name = session.recipe, session.data, "control"
    if recipe.best_by == "error":
        alone = dataclasses.replace(recipe, score_metrics="error")
        session.scores[name] = _scores(alone, data, session.folder, control, name=name)
    labelled = {"labelled": recipe.streams(data, label_map)["labelled"]}
    seconds = session.train(control, labelled, name=name)
    chosen = session.choose(name)
    kept = {key: chosen[key] for key in ("best_value", "best_step") if key in chosen}
    return {f"control_{key}": value for key, value in ({"seconds": seconds} | kept).items()}


def _result_of_control(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the control's part of a result, as a result of its own."""
    prefix = "control_"
    shared = {k: v for k, v in result.items() if not k.startswith((prefix, "best_"))}
    own = {k.removeprefix(prefix): v for k, v in result.items() if k.startswith(prefix)}
    return shared | own | {"model": "supervised"}


def _scores(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: StatelessTrainer,
    *,
    name: str = "",
) -> "Scores":
    """Makes what measures while it trains, `name` being that of a control."""
    # This imports the metrics, which are not always needed.
    from training.callbacks.scores import Scores, make_evaluation, score_interval

    strategy = model.distribute_strategy
    return Scores(
        model,
        make_evaluation(recipe, data, strategy),
        folder,
        every=score_interval(recipe, batches_per_step=model.batches_per_step),
        described={"model": recipe.model, "seed": recipe.seed} | ({name: True} if name else {}),
        best_by=recipe.best_by,
        name=name,
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
        model.jit_compile = recipe.jit == "on"
        model.rematerialise = recipe.rematerialise
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
        "jit": recipe.jit,
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
