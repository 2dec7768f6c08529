"""Stages of a run: the model itself, then the control that it is compared with."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from training.build import build_control, build_under
from training.data.image_data import ImageData
from training.data.pipeline import Stream
from training.data_digest import read_data_record
from training.distribute import is_chief
from training.metrics.error_rate import error_rate
from training.recipe import Recipe
from training.run_folder import RunFolder
from zoo.models import AdversarialModel
from zoo.models.trainer import StatelessTrainer
from zoo.presets.trainer import save_trainer

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
    """

    model: StatelessTrainer
    streams: dict[str, Stream]
    name: str = ""
    title: str = ""
    scores: "Scores | None" = None

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
            )
        elif self.model.classifier is not None:
            metadata = {"training": self._own_result(result)}
            self.model.classifier.save_to_preset(folder.control_preset, metadata=metadata)

    def _own_result(self, result: dict[str, Any]) -> dict[str, Any]:
        """Returns the control's part of a result, as a result of its own."""
        prefix = f"{self.name}_"
        shared = {k: v for k, v in result.items() if not k.startswith((prefix, "best_"))}
        own = {k.removeprefix(prefix): v for k, v in result.items() if k.startswith(prefix)}
        return shared | own | {"model": "supervised"}


def stages_of(
    recipe: Recipe,
    data: ImageData,
    folder: RunFolder,
    model: AdversarialModel,
    streams: dict[str, Stream],
) -> Iterator[Stage]:
    """Yields the stages of a run in order; each is built when the one before has ended.

    Args:
        recipe: a checked recipe.
        data: the images.
        folder: the folder of the run.
        model: the compiled model of the recipe.
        streams: from `training.streams.streams_of`.
    """
    scores = make_scores(recipe, data, folder, model) if recipe.scores.score_metrics else None
    yield Stage(model, streams, scores=scores)
    if not recipe.supervision.control:
        return
    strategy = model.distribute_strategy
    control = build_under(strategy, recipe, lambda: build_control(recipe, model))
    chosen_by_error = recipe.scores.best_by == "error"
    alone = recipe.with_options(score_metrics="error")
    yield Stage(
        control,
        streams,
        name="control",
        title="Supervised control: same network, labels and steps.",
        scores=make_scores(alone, data, folder, control, name="control")
        if chosen_by_error
        else None,
    )


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
