"""The folder of a run, and the search for it."""

import dataclasses
import json
import os
import pathlib
import time
from typing import TYPE_CHECKING, Any

from zoo.errors import UserError

if TYPE_CHECKING:
    from training.recipe import Recipe

DEFAULT_PARENT = pathlib.Path("runs")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files.

    Attributes:
        path: the folder.
    """

    path: pathlib.Path

    @property
    def recipe(self) -> pathlib.Path:
        """The recipe: all options of the run."""
        return self.path / "recipe.json"

    @property
    def result(self) -> pathlib.Path:
        """The result; it exists when the run is finished."""
        return self.path / "result.json"

    @property
    def scores(self) -> pathlib.Path:
        """All evaluations, one JSON object per line."""
        return self.path / "scores.jsonl"

    @property
    def preset(self) -> pathlib.Path:
        """The preset, which `from_preset` loads."""
        return self.path / "preset"

    @property
    def control_preset(self) -> pathlib.Path:
        """The preset of the supervised control, if one was trained."""
        return self.path / "control" / "preset"

    def create(self, recipe: "Recipe") -> None:
        """Creates the folder and writes `recipe.json`, unless they exist."""
        from training.recipe_file import to_json

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.recipe.exists():
                write_text(self.recipe, to_json(recipe))
        except OSError as error:
            raise UserError(
                f"Cannot write to the run folder {self.path}: {error.strerror}. "
                "Choose another with --run-dir."
            ) from None

    def add_score(self, score: dict[str, Any]) -> None:
        """Appends an evaluation with its protocol to `scores.jsonl`."""
        append_lines(self.scores, [score])


def append_lines(path: pathlib.Path, rows: list[dict[str, Any]]) -> None:
    """Appends rows to a file, one JSON object per line, in one write.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows))
    except OSError as error:
        raise UserError(f"Cannot write to {path}: {error.strerror}.") from None


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file completely or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    os.replace(part, path)


def read_recipe(folder: pathlib.Path) -> dict[str, Any]:
    """Reads `recipe.json` of a run.

    Raises:
        UserError: the folder is not the folder of a run.
    """
    try:
        return json.loads((folder / "recipe.json").read_text())
    except OSError:
        raise UserError(f"{folder} is not the folder of a run: it has no recipe.json.") from None
    except ValueError as error:
        raise UserError(f"{folder / 'recipe.json'} is damaged: {error}") from None


def find_run(recipe: "Recipe") -> RunFolder:
    """Finds the run to resume, or names a new one. Nothing is written yet.

    With `run_dir` it is that folder. Without it, it is the newest unfinished run of the same recipe
    under `runs/`, so that the same command resumes it, or else a new folder.

    Raises:
        UserError: the folder holds other files, or a run of another recipe.
    """
    from training.recipe_file import differences

    if recipe.run.run_dir is not None:
        path = pathlib.Path(recipe.run.run_dir)
        _check_given(path, recipe)
        return RunFolder(path)
    stem = f"{recipe.model}-{pathlib.Path(recipe.data.data).stem}"
    for path in sorted(DEFAULT_PARENT.glob(f"{stem}-*"), reverse=True):
        folder = RunFolder(path)
        same = folder.recipe.exists() and not differences(recipe, read_recipe(path))
        if same and not folder.result.exists():
            return folder
    path = DEFAULT_PARENT / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    while path.exists():
        path = path.with_name(path.name + "b")
    return RunFolder(path)


def _check_given(path: pathlib.Path, recipe: "Recipe") -> None:
    if path.is_file():
        raise UserError(f"--run-dir {path} is a file; give a folder.")
    if not path.exists() or not any(path.iterdir()):
        return
    if not (path / "recipe.json").exists():
        raise UserError(
            f"--run-dir {path} holds files that are not of a run; give a new or an empty folder."
        )
    from training.recipe_file import differences

    changed = differences(recipe, read_recipe(path))
    if changed:
        raise UserError(
            f"{path} holds a run of another recipe, which cannot be resumed with this one. "
            "Give another --run-dir, or the same options:\n  " + "\n  ".join(changed)
        )
