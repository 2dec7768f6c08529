"""Stages of a run: the model itself, then the controls that it is compared with."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.build import build_control, build_under
from training.controls import CONTROLS, control_of, results_of
from training.data.image_data import ImageData
from training.data.pipeline import Stream
from training.data_digest import read_data_record
from training.distribute import is_chief
from training.equal_seconds import steps_of_equal_seconds, stretched
from training.length import Trial
from training.metrics.error_rate import error_rate
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.trial import try_out
from zoo.models import AdversarialModel
from zoo.models.trainer import StatelessTrainer
from zoo.presets.trainer import save_trainer
from zoo.presets.write import save_bundle

if TYPE_CHECKING:
    from training.callbacks.scores import Scores


@dataclasses.dataclass(frozen=True)
class Stage:
    """One model that a run trains.

    Attributes:
        model: a compiled trainer.
        streams: the training images by stream.
        name: `""` for the run's own model; for a control, its sub-folder and the prefix of its
            results.
        title: printed before the stage starts; empty for the run's own model.
        scores: measures during training; None for no measurements.
        recipe: the recipe, if its length is not that of the run.
    """

    model: StatelessTrainer
    streams: dict[str, Stream]
    name: str = ""
    title: str = ""
    scores: "Scores | None" = None
    recipe: Recipe | None = None

    def keys(self, values: dict[str, Any]) -> dict[str, Any]:
        """Returns values under the names that they have in the result of the run."""
        return {f"{self.name}_{key}" if self.name else key: v for key, v in values.items()}

    def choose(self) -> dict[str, Any]:
        """Restores the best state and returns how it was chosen; nothing if it is the last."""
        if self.scores is None:
            return {}
        chosen = self.scores.restore_best()
        if not self.name:
            return chosen
        return {key: chosen[key] for key in ("best_value", "best_step") if key in chosen}

    def test_error(self, data: ImageData) -> dict[str, float]:
        """Returns the error rate on the test split; nothing for models without a classifier."""
        classifier = self.model.classifier
        return {} if classifier is None else {"test_error": error_rate(classifier, data.test)}

    def save(self, folder: RunFolder, result: dict[str, Any]) -> None:
        """Writes the preset of the model, with averaged weights.

        Its networks compute in float32 whatever the run's precision was: half precision rounds
        differently in each way to run a network, and is slow on processors without it.

        Args:
            folder: the folder of the run.
            result: the result of the run.

        Raises:
            OSError: the preset cannot be written.
            UserError: the record of the data is damaged.
        """
        if isinstance(self.model, AdversarialModel):
            record = read_data_record(folder.path)
            save_trainer(
                self.model,
                folder.preset,
                class_names=record["class_names"] if record else (),
                metadata={"training": result},
                dtype="float32",
            )
        elif self.model.classifier is not None:
            metadata = {"training": self._own_result(result)}
            save_bundle(
                folder.preset_of(self.name),
                root=self.model.classifier,
                metadata=metadata,
                dtype="float32",
            )

    def _own_result(self, result: dict[str, Any]) -> dict[str, Any]:
        """Returns the control's part of a result, as a result of its own."""
        of_model = {key: value for key, value in result.items() if not control_of(key)}
        shared = {key: value for key, value in of_model.items() if not key.startswith("best_")}
        return shared | results_of(self.name, result) | {"model": "supervised"}


def stages_of(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: AdversarialModel,
    streams: dict[str, Stream],
    *,
    first: RunFolder | None = None,
) -> Iterator[Stage]:
    """Yields the stages of a run in order; each is built when the one before has ended.

    Args:
        recipe: a checked recipe.
        data: the images.
        folder: the folder of the run.
        model: the compiled model of the recipe.
        streams: from `training.streams.streams_of`.
        first: the folder of the first of several seeds, whose lengths this run has too.
    """
    yield Stage(model, streams, scores=scores_of(recipe, data, folder, model))
    for name in recipe.supervision.controls:
        own, title = recipe, CONTROLS[name].title
        if name == "control_equal_seconds":
            own = _for_equal_seconds(recipe, data, (folder, first), model, streams)
            title += f" {own.run.steps:,} steps."
        control = build_stage_model(own, model, name)
        scores = scores_of(own, data, folder, control, name=name)
        yield Stage(control, streams, name=name, title=title, scores=scores, recipe=own)


def _for_equal_seconds(
    recipe: Recipe,
    data: ImageData,
    folders: tuple[RunFolder, RunFolder | None],
    model: AdversarialModel,
    streams: dict[str, Stream],
) -> Recipe:
    """Returns the recipe of the control that trains for as many seconds as the model."""
    name = "control_equal_seconds"

    def try_control() -> Trial:
        control = build_stage_model(recipe, model, name)
        return try_out(
            recipe,
            data,
            control,
            streams,
            lambda place: scores_of(recipe, data, place, control, name=name),
        )

    steps = steps_of_equal_seconds(recipe, folders, model.distribute_strategy, try_control)
    return stretched(recipe, steps)


def build_stage_model(recipe: Recipe, model: AdversarialModel, name: str) -> StatelessTrainer:
    """Builds a control of a model for a recipe, under the strategy of the model."""
    with_terms = name == "control_without_generator"
    return build_under(
        model.distribute_strategy,
        recipe,
        lambda: build_control(recipe, model, with_unlabelled_terms=with_terms),
    )


def scores_of(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: StatelessTrainer,
    *,
    name: str = "",
) -> "Scores | None":
    """Creates the callback that measures a stage during training; None for no measurements.

    A control is measured if the error chooses the state of the model.
    """
    if name:
        if recipe.scores.best_by != "error":
            return None
        return make_scores(
            recipe.with_options(score_metrics="error"), data, folder, model, name=name
        )
    if recipe.scores.score_metrics is None:
        return None
    return make_scores(recipe, data, folder, model)


def make_scores(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: StatelessTrainer,
    *,
    name: str = "",
) -> "Scores":
    """Creates the callback that measures during training; `name` is that of the stage."""
    # This imports the metrics, which are not always needed.
    from training.callbacks.scores import Scores, make_evaluation, score_interval

    strategy = model.distribute_strategy
    return Scores(
        model,
        make_evaluation(recipe, data, strategy),
        folder,
        every=score_interval(recipe, batches_per_step=model.batches_per_step),
        described={"model": recipe.model, "seed": recipe.run.seed} | ({name: True} if name else {}),
        best_by=recipe.scores.best_by,
        name=name,
        writes=is_chief(strategy),
    )


def checkpoint_folder(folder: RunFolder, name: str) -> pathlib.Path:
    """Returns the folder of a stage's checkpoints."""
    return folder.path / name / "checkpoints"
