"""Tables of scores: one row per run (or folder of seeds), one column per protocol."""

import dataclasses
import json
import math
import pathlib
from typing import Any

from training.console import Table, mean_and_deviation
from training.controls import CONTROLS
from training.stored_scores import read_rows
from zoo.errors import UserError

# Training settings that must be equal within a row.
TRAINING = ("model", "trained_on", "steps", "weights", "labels")
# Fields that decide the column.
COLUMN = ("metric", "key", "data", "split", "features", "reference_images")


@dataclasses.dataclass(frozen=True)
class Score:
    """One row of a `scores.jsonl` and the name of its run.

    Attributes:
        label: name of the run's folder, without its seed.
        row: the row that `training.evaluate` wrote.
    """

    label: str
    row: dict[str, Any]


def label_of(path: pathlib.Path) -> str:
    """Returns the name of a run: `glsgan-0` for `runs/glsgan-0/seed-1/preset`.

    The names of its controls follow it: `glsgan-0, control`.
    """
    parts = [part for part in path.parts if part != "preset" and not part.startswith("seed-")]
    # A run can have the name of a control too. It has a recipe, and a control has none.
    folder = path.parent if path.name == "preset" else path
    if parts[-2:-1] and parts[-1] in CONTROLS and not (folder / "recipe.json").exists():
        return f"{parts[-2]}, {CONTROLS[parts[-1]].short}"
    return parts[-1] if parts else str(path)


def final_scores(sources: list[pathlib.Path]) -> list[Score]:
    """Reads the scores that `training.evaluate` appended to runs or `.jsonl` files.

    If there are several scores with the same protocol, seed and set of images, the last one is
    used.

    Raises:
        UserError: if two folders have the same name, and scores with the same protocol and seed.
    """
    found: dict[tuple, Score] = {}
    places: dict[tuple, pathlib.Path] = {}
    for source in sources:
        for path in score_files(source):
            for row in read_rows(path):
                if "key" not in row or row.get("while_training"):
                    continue
                place = (
                    pathlib.Path(row.get("evaluated", path)) if source.is_file() else path.parent
                )
                place = place.resolve()
                score = Score(label_of(place), row)
                key = (score.label, row.get("seed"), row.get("sample_seed"), _column(row))
                run = place.parent if place.name == "preset" else place
                if (first := places.setdefault(key, run)) != run:
                    raise UserError(
                        f"{first} and {run} are two runs with the name {score.label} and the seed "
                        f"{row.get('seed')}. Rename one of the folders, or report them separately."
                    )
                found[key] = score
    return list(found.values())


def score_files(source: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of scores: the given file, or those of one run or of several seeds."""
    if source.is_file():
        return [source]
    paths = sorted(source.glob("seed-*/scores.jsonl")) or [source / "scores.jsonl"]
    return [path for path in paths if path.exists()]


def shown_values(row: dict[str, Any]) -> dict[str, float]:
    """Returns the values of a row without the deviations within one measurement."""
    return {name: value for name, value in row["values"].items() if not name.endswith("_std")}


def _column(row: dict[str, Any]) -> str:
    return json.dumps([row.get(name) for name in COLUMN])


def score_table(scores: list[Score]) -> str:
    """Formats scores as a table, followed by the protocol of each column.

    A cell contains the mean over seeds, the sample standard deviation and the number of seeds.

    Returns:
        Markdown, empty without scores.

    Raises:
        UserError: if a metric has two protocols, or runs with one name differ in their training.
    """
    if not scores:
        return ""
    _check_trainings(scores)
    columns = _check_columns(scores)
    table = Table(["", *(f"{name} [{note}]" for note, _, name in columns)])
    for label in dict.fromkeys(score.label for score in scores):
        rows = [score.row for score in scores if score.label == label]
        table.add(label, *(_cell(rows, column, name) for _, column, name in columns))
    notes = {}
    for note, column, _ in columns:
        fields = dict(zip(COLUMN, json.loads(column), strict=True))
        of = fields["reference_images"]
        against = f", against {of:,} images of {fields['split']}" if of else ""
        notes[note] = f"[{note}] `{fields['key']}` of {fields['data']}{against}"
    return f"{table}\n\n" + "  \n".join(notes.values())


def _cell(rows: list[dict[str, Any]], column: str, name: str) -> str:
    by_seed: dict[Any, list[float]] = {}
    for row in rows:
        if _column(row) == column and name in row["values"]:
            by_seed.setdefault(row.get("seed"), []).append(row["values"][name])
    means = [sum(each) / len(each) for each in by_seed.values()]
    values = [mean for mean in means if math.isfinite(mean)]
    undefined = len({row.get("seed") for row in rows if _column(row) == column}) - len(values)
    note = f", {undefined} undefined" if undefined else ""
    if len(values) > 1:
        return f"{mean_and_deviation(values)} ({len(values)}{note})"
    if values:
        return f"{values[0]:.4f} (1{note})"
    return "undefined" if undefined else ""


def _check_trainings(scores: list[Score]) -> None:
    for label in dict.fromkeys(score.label for score in scores):
        rows = [score.row for score in scores if score.label == label]
        for key in TRAINING:
            values = {json.dumps(row.get(key)) for row in rows}
            if len(values) > 1:
                raise UserError(
                    f"The runs with the name {label} differ in {key} "
                    f"({', '.join(sorted(values))}). Give their folders different names."
                )


def _check_columns(scores: list[Score]) -> list[tuple[int, str, str]]:
    """Returns (number of the note, protocol, name of the value) for each column."""
    protocols: dict[str, set[str]] = {}
    for score in scores:
        protocols.setdefault(score.row["metric"], set()).add(_column(score.row))
    columns = []
    for note, (metric, found) in enumerate(protocols.items(), start=1):
        if len(found) > 1:
            described = "\n  ".join(sorted(found))
            raise UserError(
                f"These runs have {metric} with {len(found)} protocols, which cannot share a "
                f"column. Report them separately:\n  {described}"
            )
        (column,) = found
        rows = [score.row for score in scores if score.row["metric"] == metric]
        names = dict.fromkeys(name for row in rows for name in shown_values(row))
        columns += [(note, column, name) for name in names]
    return columns
