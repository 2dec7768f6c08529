"""Weight files: one HDF5 file, or several with an index beside them, halved if asked for."""

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
        dtype: `"float16"` halves the file; what is loaded is float32 again, rounded.
        max_shard_size: float, GB; larger weights go into several files beside an index
            (`model.weights.json`), as keras-hub and Keras read them. None for one file.

    Raises:
        ValueError: a weight that float16 cannot hold, or a shard smaller than one weight.
    """
    size = sum(v.nbytes for v in map(keras.ops.convert_to_numpy, model.variables))
    if max_shard_size is not None and size > max_shard_size * _BYTES_PER_GB:
        model.save_weights(path.with_suffix(".json"), max_shard_size=max_shard_size)
    else:
        model.save_weights(path)
    if dtype == "float16":
        for file in sorted(path.parent.glob(f"{path.name.split('.')[0]}*.h5")):
            _halve(file)


def _halve(path: pathlib.Path) -> None:
    """Rewrites a weight file with float16 for float32."""
    half = path.with_name(f".{path.name}")
    with h5py.File(path, "r") as source, h5py.File(half, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = target.require_group(name)
            else:
                made = target.create_dataset(name, data=_to_half(item[()], name))
            for key, value in item.attrs.items():
                made.attrs[key] = value

        for key, value in source.attrs.items():
            target.attrs[key] = value
        source.visititems(copy)
    half.replace(path)


def _to_half(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.array_equal(np.isfinite(half), np.isfinite(values)):
        raise ValueError(f"The weight {name} is too large for float16 (65504); keep float32.")
    return half


def weight_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Lists a preset folder's weight files and indices by name."""
    return sorted([*folder.glob("*.weights.h5"), *folder.glob("*.weights.json")])


def load_weights(model: keras.Model, folder: pathlib.Path, name: str, *, files: dict) -> None:
    """Loads weights into a model, each file only after its size and checksum.

    Args:
        model: a functional view.
        folder: the preset's folder.
        name: `model.weights.h5` or `task.weights.h5`; an index in place of the first is taken.
        files: sizes and SHA-256 by name, from metadata.json; empty where none are known.

    Raises:
        FileNotFoundError: the file, or one of several, is missing.
        ValueError: it is damaged, points out of the folder, or is of another model.
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
            "load_weights=False for a network that is not trained."
        )
    expected = files.get(path.name)
    if files and expected is None:
        raise ValueError(f"{path.parent / METADATA_FILE} has no checksum for {path.name}.")
    if expected is not None and fingerprint(path) != expected:
        raise ValueError(
            f"{path} is damaged or was changed: its size or SHA-256 is not the one in "
            f"{METADATA_FILE}. Copy or download the preset again."
        )


def _shards(index: pathlib.Path) -> list[str]:
    """Returns the files that an index names, all of them in its own folder."""
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        names = {name for place in places for name in ([place] if _is_text(place) else place)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{index} is no index of weight files: {error}") from error
    for name in names:
        if not (_is_text(name) and _SHARD.fullmatch(name)):
            raise ValueError(
                f"{index} names {name!r}; expected files such as model_00000.weights.h5."
            )
    return sorted(names)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
