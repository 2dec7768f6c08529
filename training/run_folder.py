"""The folder of a run, and the search for it."""

import dataclasses
import errno
import json
import os
import pathlib
import re
import time
from typing import TYPE_CHECKING, Any

from training.lock import BREAKING_FILE, LOCK_FILE
from zoo.errors import UserError
from zoo.storage.address import is_remote

if TYPE_CHECKING:
    from training.recipe import Recipe
    from training.remote_run import RemoteRun

DEFAULT_PARENT = pathlib.Path("runs")


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files.

    Attributes:
        path: the folder.
        remote: uploads the folder; None if it is not on an object store.
    """

    path: pathlib.Path
    remote: "RemoteRun | None" = dataclasses.field(default=None, compare=False)

    @property
    def recipe(self) -> pathlib.Path:
        """The recipe: all options of the run."""
        return self.path / "recipe.json"

    @property
    def result(self) -> pathlib.Path:
        """The result; it exists when the run is finished."""
        return self.path / "result.json"

    @property
    def label_map(self) -> pathlib.Path:
        """The choice of labelled images, if the model chooses them."""
        return self.path / "label_map.json"

    @property
    def scores(self) -> pathlib.Path:
        """All evaluations, one JSON object per line."""
        return self.path / "scores.jsonl"

    @property
    def preset(self) -> pathlib.Path:
        """The preset, which `from_preset` loads."""
        return self.path / "preset"

    @property
    def pace(self) -> pathlib.Path:
        """The measured seconds per step, and the steps of the control of equal seconds."""
        return self.path / "pace.json"

    def preset_of(self, control: str) -> pathlib.Path:
        """Returns the preset of a control, if it was trained."""
        return self.path / control / "preset"

    @property
    def served_name(self) -> str:
        """A name for the exported model, which is part of URLs; made from the folder's name.

        Characters other than letters, digits, `.`, `-` and `_` become `-`. The run of one seed,
        `PARENT/seed-N`, is named `PARENT-seed-N`.
        """
        path = self.path.absolute()
        several = re.fullmatch(r"seed-\d+", path.name)
        name = f"{path.parent.name}-{path.name}" if several else path.name
        return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-_") or "model"

    def publish(self) -> None:
        """Uploads the folder if it is that of a run on an object store."""
        if self.remote is not None:
            self.remote.publish()

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

    def read_result(self) -> dict[str, Any]:
        """Reads `result.json`.

        Raises:
            UserError: the file is damaged.
        """
        try:
            result = json.loads(self.result.read_text())
        except (OSError, ValueError) as error:
            result = error
        if not isinstance(result, dict):
            raise UserError(
                f"{self.result} is damaged ({result}). Delete it and run the same command again: "
                "the run ends once more from its last checkpoint."
            )
        return result

    def add_score(self, score: dict[str, Any]) -> None:
        """Appends an evaluation with its protocol to `scores.jsonl`."""
        append_lines(self.scores, [score])


def append_lines(path: pathlib.Path, rows: list[dict[str, Any]]) -> None:
    """Appends rows to a file, one JSON object per line: all of them, or none.

    Raises:
        UserError: the file cannot be written.
    """
    text = "".join(json.dumps(row) + "\n" for row in rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab", buffering=0) as file:
            before = file.tell()
            try:
                if file.write(text.encode()) < len(text.encode()):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise UserError(f"Cannot write to {path}: {error.strerror}.") from None


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file completely or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_recipe(folder: pathlib.Path) -> dict[str, Any]:
    """Reads `recipe.json` of a run.

    Raises:
        UserError: the folder is not the folder of a run.
    """
    try:
        recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    except OSError:
        raise UserError(f"{folder} is not the folder of a run: it has no recipe.json.") from None
    except ValueError as error:
        raise UserError(f"{folder / 'recipe.json'} is damaged: {error}") from None
    if not isinstance(recipe, dict):
        raise UserError(f"{folder / 'recipe.json'} is damaged: it must hold one JSON object.")
    return recipe


def find_run(recipe: "Recipe") -> RunFolder:
    """Finds the run to resume, or names a new one. Nothing is written yet.

    With `run_dir` it is that folder, or the local folder of that address. Without it, it is the
    newest unfinished run of the same recipe under `runs/`, so that the same command resumes it, or
    else a new folder.

    A run in `run_dir` may be shorter than the recipe: then it is lengthened.

    Raises:
        UserError: the folder holds other files, or a run of another recipe.
    """
    from training.resuming import changes_against

    if recipe.run.run_dir is not None:
        path = _local(recipe.run.run_dir)
        _check_given(path, recipe)
        return RunFolder(path)
    stem = f"{recipe.model}-{pathlib.Path(recipe.data.data).stem}"
    for path in sorted(DEFAULT_PARENT.glob(f"{stem}-*"), reverse=True):
        folder = RunFolder(path)
        if folder.result.exists() or not folder.recipe.exists():
            continue
        if not changes_against(recipe, read_recipe(path), may_lengthen=False):
            return folder
    path = DEFAULT_PARENT / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    while path.exists():
        path = path.with_name(path.name + "b")
    return RunFolder(path)


def _local(run_dir: str) -> pathlib.Path:
    if is_remote(run_dir):
        from training.remote_run import local_folder

        return local_folder(run_dir)
    if not run_dir.strip():
        raise UserError("--run-dir is empty; give a folder.")
    try:
        return pathlib.Path(run_dir).expanduser()
    except RuntimeError as error:
        raise UserError(f"--run-dir {run_dir}: {error} Give the folder without ~.") from None


def _check_given(path: pathlib.Path, recipe: "Recipe") -> None:
    try:
        entries = [entry.name for entry in path.iterdir()]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if path.is_file():
            raise UserError(f"--run-dir {path} is a file; give a folder.") from None
        return
    except OSError as error:
        raise UserError(f"Cannot read --run-dir {path}: {error.strerror}.") from None
    if "recipe.json" in entries:
        from training.resuming import check_resumable

        check_resumable(path, recipe)
        return
    # A process that was killed at its start leaves a lock and hidden files.
    if any(name not in (LOCK_FILE, BREAKING_FILE) and name[0] != "." for name in entries):
        raise UserError(
            f"--run-dir {path} holds files that are not of a run; give a new or an empty folder."
        )
