"""The trial of a model: how long its steps, reports, scores and checkpoints take."""

import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from training.agreement import agree
from training.callbacks.reporting import reporting
from training.checkpoint import Checkpoints
from training.data.image_data import ImageData
from training.data.pipeline import Stream
from training.distribute import is_chief
from training.length import Trial
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.streams import batches
from zoo.models.trainer import StatelessTrainer

if TYPE_CHECKING:
    from training.callbacks.scores import Scores

MakeScores = Callable[[RunFolder], "Scores | None"]

SECONDS = 4.0
"""Duration of the measured steps, if they are short."""
PARTS = (1 / 6, 1 / 2, 5 / 6)
"""The places of the run, as shares, where steps are measured: schedules may change their cost."""
MOST_ROUNDS = 100
QUICK = 2.0
"""Something that takes fewer seconds at first is measured again without its start-up cost."""


class _Clock(keras.callbacks.Callback):
    """Records when each call of the model has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # The value waits for the device.
        float(next(iter((logs or {"none": 0.0}).values())))
        self.times.append(time.perf_counter())


def try_out(
    recipe: Recipe,
    data: ImageData,
    model: StatelessTrainer,
    streams: dict[str, Stream],
    make_scores: MakeScores,
) -> Trial:
    """Trains a model for a few seconds and measures it. The model is of no use afterwards.

    Several hosts call this together; the result is that of the chief.

    Args:
        recipe: the recipe of the model.
        data: the images.
        model: a compiled trainer, which was built for this trial.
        streams: the training images by stream.
        make_scores: creates the callback of the scores for a folder; may return None.
    """
    strategy = model.distribute_strategy
    start, step = _steps(recipe, model, streams)
    report = score = checkpoint = 0.0
    if is_chief(strategy):
        report, score, checkpoint = _overheads(recipe, data, model, make_scores)
    sizes = len(data.test.images) / max(len(data.validation.images), 1)
    end = report * max(sizes, 1.0) + 3 * checkpoint
    return Trial(*agree(strategy, [start, step, report, score, checkpoint, end]))


def _steps(
    recipe: Recipe, model: StatelessTrainer, streams: dict[str, Stream]
) -> tuple[float, float]:
    """Returns the duration of the first call, and of a step after it."""
    several = recipe.devices.known_steps_per_call
    # Some models do more in every k-th step.
    round_calls = int(recipe.flat().get("adversarial_every", 1))

    def take(calls: int, *, first: int) -> list[float]:
        clock, begun = _Clock(), time.perf_counter()
        model.step.assign(first)
        model.fit(
            batches(recipe, model, streams, first_step=first),
            steps_per_epoch=calls * several,
            epochs=1,
            callbacks=[clock],
            shuffle=False,
            verbose=0,
        )
        times = [begun, *clock.times]
        return [after - before for before, after in zip(times, times[1:], strict=False)]

    begun = time.perf_counter()
    warm = take(1 + round_calls, first=0)
    start = time.perf_counter() - begun - sum(warm[1:])
    expected = sum(warm[1:])
    rounds = int(SECONDS / len(PARTS) / max(expected, 1e-6))
    (agreed,) = agree(model.distribute_strategy, [max(1, min(rounds, MOST_ROUNDS))])
    means = []
    for part in PARTS:
        first = int(part * recipe.run.steps) // (several * round_calls) * several * round_calls
        times = take(1 + int(agreed) * round_calls, first=first)[1:]
        each = [times[i : i + round_calls] for i in range(0, len(times), round_calls)]
        means.append(statistics.median(sum(one) / len(one) for one in each))
    return start, statistics.mean(means) / several


def _overheads(
    recipe: Recipe, data: ImageData, model: StatelessTrainer, make_scores: MakeScores
) -> tuple[float, float, float]:
    """Returns the durations of a report, a measurement of the scores, and a checkpoint."""
    with tempfile.TemporaryDirectory(prefix="trial-") as name:
        folder = RunFolder(pathlib.Path(name))
        callbacks = reporting(recipe, data, folder, model, log=folder.path / "logs", first_step=0)
        for callback in callbacks:
            callback.set_model(model)

        def report() -> None:
            logs: dict[str, Any] = {}
            for callback in callbacks:
                callback.on_epoch_begin(0)
            for callback in callbacks:
                callback.on_epoch_end(0, logs)

        checkpoint = seconds_of_call(Checkpoints(folder.path / "checkpoints", model).save)
        scores = make_scores(folder)
        score = 0.0 if scores is None else seconds_of_call(scores.measure)
        return seconds_of_call(report), score, checkpoint


def seconds_of_call(call: Callable[[], None]) -> float:
    """Returns the duration of a call. A quick one is repeated, because the first one starts up."""
    for _ in range(2):
        begun = time.perf_counter()
        call()
        seconds = time.perf_counter() - begun
        if seconds > QUICK:
            break
    return seconds


def on_gpu() -> bool:
    """Returns True if TensorFlow sees a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))
