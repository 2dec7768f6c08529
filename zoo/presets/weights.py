"""Weight files of a preset: one HDF5 file or several with an index, in float32 or float16."""

import json
import pathlib
import re
from typing import Literal

import h5py
import keras
import numpy as np

from zoo.presets.layout import METADATA_FILE, WEIGHTS_FILE, WEIGHTS_INDEX_FILE, fingerprint
from zoo.presets.safety import check_inside

WeightsDtype = Literal["float32", "float16"]

_SHARD = re.compile(r"model_\d{5}\.weights\.h5")
_BYTES_PER_GB = 1024**3


def save_weights(
    model: keras.Model,
    path: pathlib.Path,
    *,
    dtype: WeightsDtype = "float32",
    max_shard_size: float | None = None,
) -> None:
    """Writes a model's weights into a new folder.

    Args:
        model: a functional view.
        path: `model.weights.h5` or `task.weights.h5` in the folder.
        dtype: `"float16"` halves the file; loading converts it back to (rounded) float32.
        max_shard_size: float, GB; larger weights are written as several files with an index
            (`model.weights.json`), which keras-hub and Keras read. None for one file.

    Raises:
        ValueError: a weight that float16 cannot represent, or a shard smaller than one weight.
    """
    size = sum(v.nbytes for v in map(keras.ops.convert_to_numpy, model.variables))
    if max_shard_size is not None and size > max_shard_size * _BYTES_PER_GB:
        model.save_weights(path.with_suffix(".json"), max_shard_size=max_shard_size)
    else:
        model.save_weights(path)
    if dtype == "float16":
        for file in sorted(path.parent.glob(f"{path.name.split('.')[0]}*.h5")):
            _convert_to_float16(file)


def _convert_to_float16(path: pathlib.Path) -> None:
    """Rewrites a weight file with float16 instead of float32 values."""
    converted = path.with_name(f".{path.name}")
    with h5py.File(path, "r") as source, h5py.File(converted, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                copied = target.require_group(name)
            else:
                copied = target.create_dataset(name, data=_as_float16(item[()], name))
            for key, value in item.attrs.items():
                copied.attrs[key] = value

        for key, value in source.attrs.items():
            target.attrs[key] = value
        source.visititems(copy)
    converted.replace(path)


def _as_float16(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        converted = values.astype(np.float16)
    if not np.array_equal(np.isfinite(converted), np.isfinite(values)):
        raise ValueError(
            f"The weight {name} has values above float16's maximum of 65504; use float32."
        )
    return converted


def weight_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the weight files and indices in a preset's folder, sorted by name."""
    return sorted([*folder.glob("*.weights.h5"), *folder.glob("*.weights.json")])


def load_weights(model: keras.Model, folder: pathlib.Path, name: str, *, files: dict) -> None:
    """Loads weights into a model after checking the size and SHA-256 of each file.

    Args:
        model: a functional view.
        folder: the preset's folder.
        name: `model.weights.h5` or `task.weights.h5`. If the first is missing and
            `model.weights.json` exists, the files of that index are loaded.
        files: sizes and SHA-256 by name, from metadata.json; empty if there are none.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, lies outside the folder, or belongs to another model.
    """
    path = folder / name
    if name == WEIGHTS_FILE and not path.exists() and (folder / WEIGHTS_INDEX_FILE).exists():
        path = folder / WEIGHTS_INDEX_FILE
    _verify(path, files)
    if path.suffix == ".json":
        for shard in _shards(path):
            _verify(folder / shard, files)
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} does not fit the preset's configuration: {error}") from error


def _verify(path: pathlib.Path, files: dict) -> None:
    check_inside(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"The preset {path.parent} lacks {path.name}. Copy the whole folder, or pass "
            "load_weights=False for an untrained network."
        )
    expected = files.get(path.name)
    if files and expected is None:
        raise ValueError(f"{path.parent / METADATA_FILE} has no checksum for {path.name}.")
    if expected is not None and fingerprint(path) != expected:
        raise ValueError(
            f"{path} is damaged or was changed: its size or SHA-256 differs from {METADATA_FILE}. "
            "Copy or download the preset again."
        )


def _shards(index: pathlib.Path) -> list[str]:
    """Returns the names of an index's weight files, which must be in the index's folder."""
    try:
        entries = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        names = {name for entry in entries for name in ([entry] if _is_text(entry) else entry)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{index} is not an index of weight files: {error}") from error
    for name in names:
        if not (_is_text(name) and _SHARD.fullmatch(name)):
            raise ValueError(
                f"{index} names {name!r}; expected files such as model_00000.weights.h5."
            )
    return sorted(names)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
