"""Metrics during training, of the averaged weights, and the best state by one of them."""

import json
import math
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.cache import cache_folder
from training.callbacks.counting import CountingCallback
from training.callbacks.tolerating import tolerating
from training.checkpoint import Checkpoints
from training.data.image_data import ImageData
from training.metrics import parse_metrics
from training.metrics.evaluation import Evaluation
from training.metrics.feature_networks import load_feature_network
from training.metrics.metric import Inversion
from training.recipe import Recipe
from training.run_folder import RunFolder, append_lines
from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer

# A quick estimate. `training.evaluate` uses more images and steps for results.
INVERSION = Inversion(images=100, steps=100, restarts=1)


def score_interval(recipe: Recipe, *, batches_per_step: int) -> int:
    """Returns the steps between two measurements: `score_every` if given, else the report's."""
    if recipe.scores.score_every is None:
        return recipe.run.report_every
    steps = round(1000 * recipe.scores.score_every / (recipe.run.batch_size * batches_per_step))
    several = recipe.devices.known_steps_per_call
    return max(math.ceil(steps / several), 1) * several


def make_evaluation(
    recipe: Recipe, data: ImageData, strategy: tf.distribute.Strategy
) -> Evaluation:
    """Returns the evaluation to use during training. It never uses the test split.

    Raises:
        UserError: if a metric is unknown or not possible, or there is no feature network.
    """
    metrics = parse_metrics(recipe.scores.score_metrics or "")
    several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    own = tf.distribute.get_strategy() if several_hosts else strategy
    evaluation = Evaluation(
        metrics=metrics,
        data=data,
        split=recipe.scores.score_split,
        samples=recipe.scores.score_samples,
        network=None,
        inversion=INVERSION,
        cache=cache_folder("metrics"),
        cache_generated=False,
        strategy=own,
    )
    if not any(metric.of_features for metric in metrics):
        return evaluation
    network = load_feature_network(recipe.scores.score_features, data=data.name, strategy=own)
    return evaluation.with_network(network)


def direction(evaluation: Evaluation, value: str) -> str:
    """Returns `"low"` or `"high"`, whichever is better for a value.

    Raises:
        UserError: if no metric of the evaluation has this value.
    """
    known = {name: better for m in evaluation.metrics for name, better in m.better.items()}
    if value not in known:
        raise UserError(
            f"--best-by {value} is not measured. Give one of the values of --score-metrics: "
            f"{', '.join(known)}."
        )
    return known[value]


class Scores(CountingCallback):
    """Evaluates the averaged networks at regular steps; saves the best state.

    Values are added to the logs (and TensorBoard) at the next report. Rows are appended to
    `scores.jsonl`. The best value and its step are in `state`, which is part of every checkpoint,
    so that a resumed run chooses the same state as an uninterrupted one. Of equal values the last
    one is chosen.

    Args:
        model: the trained model.
        evaluation: the evaluation.
        folder: the run's folder.
        every: int, steps between measurements.
        described: fields that describe the model in every row.
        best_by: the value that decides the best state; None to save no best state.
        name: `""` for the run's model, or the name of a control's sub-folder.
        writes: True if this process measures and writes; with several hosts only the chief does.
    """

    def __init__(
        self,
        model: StatelessTrainer,
        evaluation: Evaluation,
        folder: RunFolder,
        *,
        every: int,
        described: dict[str, Any],
        best_by: str | None,
        name: str = "",
        writes: bool = True,
    ):
        super().__init__()
        self.evaluation = evaluation
        self.folder = folder
        self.every = every
        self.described = described
        self.best_by = best_by
        self.writes = writes
        self.latest: dict[str, float] = {}
        self.best = Checkpoints(folder.path / name / "best", model, writes=writes)
        self.state: dict[str, keras.Variable] = {}
        self._measure = _measurement(model, evaluation)
        if best_by is not None:
            self.sign = 1.0 if direction(evaluation, best_by) == "low" else -1.0
            start = np.array([math.inf * self.sign, -1.0])
            self.state["scores/best"] = keras.Variable(start, trainable=False, dtype="float64")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        if self.writes and self.run_step % self.every == 0:
            self.measure()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs |= self.latest

    def measure(self) -> None:
        """Measures now; appends the rows that an earlier start of the run has not appended."""
        rows = [
            {**self.described, **row, "step": self.run_step, "while_training": True}
            for row in self._measure()
        ]
        self.latest = {f"score_{k}": v for row in rows for k, v in row["values"].items()}
        tolerating(lambda: self._append(rows), what="the scores")
        if self.best_by is None:
            return
        value = self.latest.get(f"score_{self.best_by}", math.nan)
        best = self.state["scores/best"]
        if math.isfinite(value) and self.sign * value <= self.sign * float(np.asarray(best)[0]):
            best.assign([value, float(self.run_step)])
            self.best.save()

    def _append(self, rows: list[dict[str, Any]]) -> None:
        known = _lines(self.folder.scores)
        append_lines(self.folder.scores, [row for row in rows if json.dumps(row) not in known])

    def restore_best(self) -> dict[str, Any]:
        """Restores the best state; returns the criterion, its value and the step."""
        if self.best_by is None:
            return {}
        if self.best.restore() == 0:
            why = "was never a finite number"
            if self.run_step < self.every:
                why = f"was not measured, because that takes {self.every:,} steps"
            print(
                f"warning: --best-by {self.best_by} {why}; the last state is the result",
                file=sys.stderr,
            )
            return {}
        value, step = np.asarray(self.state["scores/best"])
        split = self.evaluation.split
        return {
            "best_by": self.best_by,
            "best_value": float(value),
            "best_step": int(step),
            "best_split": split,
        }


def _measurement(
    model: StatelessTrainer, evaluation: Evaluation
) -> Callable[[], list[dict[str, Any]]]:
    """Returns a function that evaluates the model's averaged networks."""
    from zoo.tasks import ImageGenerator

    generator = None
    needs_generator = any(metric.needs == "generator" for metric in evaluation.metrics)
    if needs_generator and model.sampler is not None:
        generator = ImageGenerator(model.sampler)
    classifier = model.classifier
    evaluation.check(generator, classifier)
    return lambda: evaluation.measure(generator=generator, classifier=classifier)


def _lines(path: pathlib.Path) -> set[str]:
    return set(path.read_text().splitlines()) if path.exists() else set()
