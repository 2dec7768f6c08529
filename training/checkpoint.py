"""Checkpoints: the whole state of a trained model in one file, written whole or not at all.

A file contains every variable of the model and its optimizers as NumPy arrays. Its name contains
the step and the start of its SHA-256, so that a damaged file is found before it is used.
"""

import hashlib
import io
import os
import pathlib
import sys
import zipfile
from collections.abc import Callable, Mapping

import keras
import numpy as np

from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer

KEEP = 3
_PATTERN = "step-*.npz"


def state_variables(model: StatelessTrainer) -> dict[str, keras.Variable]:
    """Returns all variables, named by owner and index: Keras' names differ between processes."""
    groups = {"model": model.variables}
    groups |= {name: optimizer.variables for name, optimizer in model.optimizers.items()}
    return {
        f"{group}/{place:04d}": variable
        for group, variables in groups.items()
        for place, variable in enumerate(variables)
    }


class Checkpoints:
    """The checkpoints of one model in one folder.

    Args:
        directory: the folder; created by the first write.
        model: a compiled trainer.
        writes: True if this process writes; with several hosts only the chief does.
        extra: further variables of the run's state, by name.
        saved: called after each write.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        model: StatelessTrainer,
        *,
        writes: bool = True,
        extra: Mapping[str, keras.Variable] | None = None,
        saved: Callable[[], None] | None = None,
    ):
        self.directory = directory
        self.model = model
        self.writes = writes
        self.extra = dict(extra or {})
        self.saved = saved

    def files(self) -> list[pathlib.Path]:
        """Lists the checkpoints, newest first."""
        return sorted(self.directory.glob(_PATTERN), reverse=True)

    def save(self) -> None:
        """Writes the state now and deletes all but the newest three files."""
        if not self.writes:
            return
        state = {key: np.asarray(keras.ops.convert_to_numpy(v)) for key, v in self._items()}
        buffer = io.BytesIO()
        np.savez(buffer, **state)  # type: ignore[arg-type]
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()[:16]
        path = self.directory / f"step-{int(state['model/step']):09d}-{digest}.npz"
        part = self.directory / f".{path.name}.part"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with open(part, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UserError(
                f"Cannot write a checkpoint to {self.directory}: {error.strerror}. "
                "The previous checkpoint is intact. Free disk space and run the same command again."
            ) from None
        for old in self.files()[KEEP:]:
            old.unlink()
        if self.saved is not None:
            self.saved()

    def restore(self) -> int:
        """Restores the newest intact checkpoint; returns its step, 0 if there is none.

        A damaged file is reported and renamed to `.damaged`; the previous file is used.
        """
        for path in self.files():
            arrays = _read(path)
            if arrays is None:
                renamed = path.with_suffix(".damaged")
                os.replace(path, renamed)
                print(f"warning: {path.name} is damaged; renamed to {renamed}", file=sys.stderr)
                continue
            items = dict(self._items())
            shapes = {key: tuple(variable.shape) for key, variable in items.items()}
            if shapes != {key: array.shape for key, array in arrays.items()}:
                raise UserError(f"{path} is a checkpoint of another model. Give another --run-dir.")
            for key, variable in items.items():
                variable.assign(arrays[key])
            return int(arrays["model/step"])
        return 0

    def _items(self) -> list[tuple[str, keras.Variable]]:
        step = self.model.step
        named = [(key, v) for key, v in state_variables(self.model).items() if v is not step]
        return [*named, *self.extra.items(), ("model/step", step)]


def _read(path: pathlib.Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays of a checkpoint, None if the file is damaged."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != path.stem.rsplit("-", 1)[-1]:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile):
        return None
