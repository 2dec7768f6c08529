"""The metadata, model card and image sheet of a shipped preset, and the page of all presets."""

import dataclasses
import json
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from training.callbacks.samples import save_png, tile
from training.card_header import card_header
from training.controls import CONTROLS, results_of
from training.data_digest import read_data_record
from training.recipe import Recipe
from training.recipe_file import NOT_DECIDING, to_json
from zoo.errors import UserError
from zoo.models import MODELS
from zoo.tasks import ImageClassifier, ImageGenerator, Task

if TYPE_CHECKING:
    from training.data.image_data import ImageData

# Data set -> (its licence, True if a shipped sheet may show its images).
DATA_LICENCES = {
    "digits": ("CC BY 4.0 (UCI Optical Recognition of Handwritten Digits)", True),
    "fashion_mnist": ("MIT (Zalando SE, 2017)", True),
    "mnist": ("none stated by its authors (LeCun, Cortes, Burges)", False),
    "cifar10": ("none stated by its author (Krizhevsky, 2009)", False),
}
ROWS = COLUMNS = 8
_CAPTION = 12

# Paths that exist on one machine only.
_OF_ONE_MACHINE = {field for field in NOT_DECIDING if field.endswith("_dir")} | {"export"}


def data_licence(data: str) -> str:
    """Returns the licence of a data set.

    Raises:
        UserError: if the licence is not known.
    """
    if data not in DATA_LICENCES:
        known = ", ".join(DATA_LICENCES)
        raise UserError(
            f"The licence of {data} is not known: give it with --licence TEXT. Known are the "
            f"licences of {known}."
        )
    return DATA_LICENCES[data][0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """The description of a shipped preset.

    Args:
        name: the preset's name.
        recipe: the run's recipe.
        scores: the run's evaluations, the result first.
        command: the command that repeats the run.
        licence: licence of the data.
        hardware: the training hardware.
        limits: sentences on the preset's limits; may be empty.
        data: the data of a classifier's run; None for a generator.
        digests: digests of the splits of the data, from the run's `data.json`; None for a run
            without this file.
    """

    name: str
    recipe: Recipe
    scores: list[dict[str, Any]]
    command: str
    licence: str
    hardware: str
    limits: str
    data: "ImageData | None"
    digests: dict[str, str] | None = None

    @property
    def data_name(self) -> str:
        """The name of the data without the place of a file."""
        if self.data is not None:
            return self.data.name
        return str(self.scores[0].get("data", self.recipe.data.data))

    def metadata(self, task: Task) -> dict[str, Any]:
        """Returns the fields to add to `metadata.json`."""
        digests = {} if self.digests is None else {"data_digests": self.digests}
        return {
            "description": self.description(task),
            "model": self.recipe.model,
            "data": self.data_name,
            "licence": self.licence,
            **digests,
            "image_shape": list(task.image_shape),
            "num_classes": task.num_classes,
            "command": self.command,
            "recipe": {
                field: value
                for field, value in json.loads(to_json(self.recipe)).items()
                if field not in _OF_ONE_MACHINE
            },
            "hardware": self.hardware,
            "limits": self.limits,
            "scores": [
                {field: value for field, value in score.items() if field != "evaluated"}
                for score in self.scores
            ],
        }

    def description(self, task: Task) -> str:
        """Returns one line with the model, its task and the data."""
        height, width, channels = task.image_shape
        size = f"{height}x{width}x{channels}"
        long_name = MODELS[self.recipe.model].model.__name__
        labels = self.scores[0].get("labels")
        if not isinstance(task, ImageGenerator):
            return f"{long_name}: classifier of {self.data_name} ({size}), {labels} labels"
        kind = f"{task.num_classes} classes" if task.num_classes else "unconditional"
        return f"{long_name}: generator of {self.data_name} ({size}), {kind}"

    def write(self, folder: pathlib.Path, task: Task, generator: ImageGenerator | None) -> None:
        """Adds golden outputs, the sheet and the model card to a preset.

        Args:
            folder: the preset's folder.
            task: the task, loaded from the folder.
            generator: the generator that is shipped with a classifier, None if there is none.
        """
        from zoo.presets.golden import golden_outputs
        from zoo.presets.layout import CARD_FILE, GOLDEN_FILE, METADATA_FILE, SHEET_FILE

        np.savez_compressed(folder / GOLDEN_FILE, outputs=golden_outputs(task))
        metadata = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        if isinstance(task, ImageGenerator):
            save_png(folder / SHEET_FILE, generated_sheet(task))
            measured = f"![64 samples]({SHEET_FILE})\n\n" + _sheet_caption(task)
        else:
            assert isinstance(task, ImageClassifier)
            measured = self._classified(folder, task, generator)
        (folder / CARD_FILE).write_text(self.text(task, metadata, measured), encoding="utf-8")

    def _classified(
        self, folder: pathlib.Path, task: ImageClassifier, generator: ImageGenerator | None
    ) -> str:
        """Evaluates the shipped classifier on the test split; returns a section of the card."""
        from zoo.presets.layout import SHEET_FILE

        data = self.data
        assert data is not None
        images, labels = np.asarray(data.test.images), np.asarray(data.test.labels)
        predicted = task.predict(images, batch_size=200).argmax(axis=-1)
        text = class_table(task.class_names, labels, predicted)
        if DATA_LICENCES.get(data.name, ("", False))[1]:
            save_png(folder / SHEET_FILE, classified_sheet(data, predicted))
            text += f"\n\n![Test images]({SHEET_FILE})\n\nThe first test images with the predicted "
            text += "class. If it is wrong, the true class follows."
        elif generator is not None:
            save_png(folder / SHEET_FILE, generated_sheet(generator))
            text += f"\n\n![64 samples of its generator]({SHEET_FILE})\n\n"
            text += _sheet_caption(generator)
        return text

    def text(self, task: Task, metadata: dict[str, Any], measured: str) -> str:
        """Returns the model card: Markdown with the header that model hubs read."""
        recipe, result = self.recipe, self.scores[0]
        generates = isinstance(task, ImageGenerator)
        use = "generate(16)" if generates else "predict(images)  # uint8"
        files = sum(file["size"] for file in metadata["files"].values())
        rows = {
            "data": f"{self.data_name}, licence: {self.licence}",
            **_digest_row(self.digests),
            "parameters": f"{metadata['parameter_count']:,} ({files:,} bytes)",
            "weights": f"{result['weights']} of the run, stored as {weights_dtype(metadata)}",
            "seed": recipe.run.seed,
            "length": f"{recipe.run.steps:,} steps of {recipe.run.batch_size} images",
            "time": f"{_seconds(result['seconds'])} on {self.hardware}",
            "versions": f"lipschitz-gan-zoo {metadata['zoo_version']}, Keras "
            f"{metadata['keras_version']}",
        }
        table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
        data = self.data_name
        limits = f"{self.limits} It was trained on {data} only; for demonstrations and tests."
        return "\n\n".join(
            [
                card_header(self.name, metadata),
                f"# {self.name}",
                f"{self.description(task)}.",
                f"```python\nimport zoo\n\n"
                f'zoo.{type(task).__name__}.from_preset("{self.name}").{use}\n```',
                f"| | |\n| --- | --- |\n{table}",
                f"## Command\n\n```bash\n{self.command}\n```",
                f"## Scores\n\n{score_lines(self.scores)}",
                f"## {'Samples' if generates else 'Test split'}\n\n{measured}",
                f"## Limits\n\n{limits.strip()}\n",
            ]
        )


def split_digests(run: pathlib.Path) -> dict[str, str] | None:
    """Returns the digest of each split of a run's data; None for a run without `data.json`."""
    record = read_data_record(run)
    if record is None:
        return None
    return {
        name: split["digest"]
        for name, split in record.get("splits", {}).items()
        if split.get("digest") is not None
    }


def _digest_row(digests: dict[str, str] | None) -> dict[str, str]:
    """Returns the row of the card's table with the digests; no row without digests."""
    if not digests:
        return {}
    return {"data digests": ", ".join(f"{name} `{digest}`" for name, digest in digests.items())}


def weights_dtype(metadata: dict[str, Any]) -> str:
    """Returns the dtype of a preset's weight files."""
    return str(metadata.get("weights_dtype", "float32"))


def score_lines(scores: list[dict[str, Any]]) -> str:
    """Formats a run's result and evaluations as a list, each with its protocol."""
    lines = [_evaluated(score) if "key" in score else _result(score) for score in scores]
    return "\n".join(f"- {line}" for line in lines if line) or "- no scores"


def _evaluated(score: dict[str, Any]) -> str:
    values = ", ".join(f"{name} {value:.4g}" for name, value in score["values"].items())
    return f"`{score['key']}`: {values or 'not a finite number'}"


def _result(result: dict[str, Any]) -> str:
    """Returns the error rates of a run with a classifier, an empty string for other runs."""
    if "test_error" not in result:
        return ""
    text = f"test error {100 * result['test_error']:.2f} % of {result['test_images']:,} images"
    text += f", {result['labels']:,} labels (map {result['label_map'][:8]})"
    for name, control in CONTROLS.items():
        error = results_of(name, result).get("test_error")
        if error is not None:
            text += f"; {control.difference}: {100 * error:.2f} %"
    return text


def class_table(names: tuple[str, ...], labels: np.ndarray, predicted: np.ndarray) -> str:
    """Returns a Markdown table of the errors of each class."""
    lines = ["| class | test images | wrong |", "| --- | ---: | ---: |"]
    wrong = labels != predicted
    for index, name in enumerate(names):
        members = labels == index
        lines.append(f"| {name} | {members.sum():,} | {(members & wrong).sum():,} |")
    lines.append(f"| all | {len(labels):,} | {wrong.sum():,} ({100 * wrong.mean():.2f} %) |")
    return "\n".join(lines)


def generated_sheet(generator: ImageGenerator) -> np.ndarray:
    """Returns a picture of seeds 0 to 63, or of one class per row, all with the same seeds."""
    if not generator.num_classes:
        return tile(generator.generate(ROWS * COLUMNS, seed=0), columns=COLUMNS)
    rows = [
        generator.generate(COLUMNS, labels=label, seed=0)
        for label in range(min(generator.num_classes, 10))
    ]
    return tile(np.concatenate(rows), columns=COLUMNS)


def _sheet_caption(generator: ImageGenerator) -> str:
    if generator.num_classes:
        return "One class per row with the seeds 0 to 7; not chosen by hand."
    return "Seeds 0 to 63 row by row, not chosen by hand."


def classified_sheet(data: "ImageData", predicted: np.ndarray) -> np.ndarray:
    """Returns a picture of the first test images with their predicted classes."""
    images = np.asarray(data.test.images[: ROWS * COLUMNS])
    labels = np.asarray(data.test.labels)
    factor = max(1, 64 // images.shape[1])
    large = images.repeat(factor, axis=1).repeat(factor, axis=2)
    drawn = []
    for image, label, found in zip(large, labels, predicted, strict=False):
        picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
        framed = Image.new("RGB", (picture.width, picture.height + _CAPTION), "white")
        framed.paste(picture, (0, _CAPTION))
        right = label == found
        text = data.class_names[found] + ("" if right else f" ({data.class_names[label]})")
        ImageDraw.Draw(framed).text((2, 0), text, fill="black" if right else "red")
        drawn.append(np.asarray(framed))
    return tile(np.stack(drawn), columns=COLUMNS, border=4)


def _seconds(seconds: float | None) -> str:
    return "several sessions" if seconds is None else f"{seconds:,.0f} seconds"
