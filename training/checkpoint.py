"""Checkpoints: the whole state of a trained model in one file, written whole or not at all.

A file holds every variable of the model and its optimizers as numpy arrays. Its name carries the
step and the start of its SHA-256, so that damage is found before anything is read.
"""

import hashlib
import io
import os
import pathlib
import sys
import zipfile
from collections.abc import Mapping

import keras
import numpy as np

from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer

KEEP = 3
_PATTERN = "step-*.npz"


def _state(model: StatelessTrainer) -> dict[str, keras.Variable]:
    """Names every variable by its owner and place; Keras' own names change between processes."""
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
        directory: the folder; made when first written to.
        model: a compiled trainer.
        writes: whether this process writes; of several hosts only the chief does.
        extra: variables by name that are part of the run's state beside the model's.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        model: StatelessTrainer,
        *,
        writes: bool = True,
        extra: Mapping[str, keras.Variable] | None = None,
    ):
        self.directory = directory
        self.model = model
        self.writes = writes
        self.extra = dict(extra or {})

    def files(self) -> list[pathlib.Path]:
        """Lists the checkpoints, newest first."""
        return sorted(self.directory.glob(_PATTERN), reverse=True)

    def save(self) -> None:
        """Writes the state now and drops all but the newest three files."""
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
                "The last good one is still there; make room and start the same command again."
            ) from None
        for old in self.files()[KEEP:]:
            old.unlink()

    def restore(self) -> int:
        """Reads the newest checkpoint that is whole; returns its step, 0 where there is none.

        A damaged file is named, set aside (`.damaged`) and the one before is used.
        """
        for path in self.files():
            arrays = _read(path)
            if arrays is None:
                aside = path.with_suffix(".damaged")
                os.replace(path, aside)
                print(f"warning: {path.name} is damaged; set aside as {aside}", file=sys.stderr)
                continue
            items = dict(self._items())
            shapes = {key: tuple(variable.shape) for key, variable in items.items()}
            if shapes != {key: array.shape for key, array in arrays.items()}:
                raise UserError(
                    f"{path} is the checkpoint of another model; give another --run-dir."
                )
            for key, variable in items.items():
                variable.assign(arrays[key])
            return int(arrays["model/step"])
        return 0

    def _items(self) -> list[tuple[str, keras.Variable]]:
        step = self.model.step
        named = [(key, v) for key, v in _state(self.model).items() if v is not step]
        return [*named, *self.extra.items(), ("model/step", step)]


def _read(path: pathlib.Path) -> dict[str, np.ndarray] | None:
    """Returns the arrays of a checkpoint, None when the file is damaged."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest()[:16] != path.stem.rsplit("-", 1)[-1]:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile):
        return None
