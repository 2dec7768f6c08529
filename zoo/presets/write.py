"""Writing a preset: whole or not at all."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras

from zoo.networks.network import Network
from zoo.presets.layout import (
    BACKBONE,
    CONFIG_FILE,
    FILES,
    FORMAT,
    METADATA_FILE,
    PREPROCESSOR,
    PREPROCESSOR_FILE,
    SHARDS,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    TASKS,
    WEIGHTS_FILE,
    fingerprint,
)
from zoo.presets.safety import check_config
from zoo.presets.weights import WeightsDtype, save_weights, weight_files

_OWN_METADATA = (
    "format",
    "zoo_version",
    "keras_version",
    "parameter_count",
    "date_saved",
    "tasks",
    "files",
    "weights_dtype",
)
_PART = re.compile(r"[a-z][a-z0-9_]*")


class WeightOptions(NamedTuple):
    """How weights are written.

    Attributes:
        dtype: of the files.
        max_shard_size: GB, None for one file.
    """

    dtype: WeightsDtype = "float32"
    max_shard_size: float | None = None


def save_bundle(
    directory: str | os.PathLike,
    *,
    root: Network,
    parts: Mapping[str, Network] | None = None,
    metadata: Mapping[str, object] | None = None,
    weights_dtype: WeightsDtype = "float32",
    max_shard_size: float | None = None,
    finish: Callable[[pathlib.Path], None] | None = None,
) -> pathlib.Path:
    """Writes a preset and its parts into a folder, whole or not at all.

    An earlier preset in the folder is replaced; a folder that holds anything else is refused.

    Args:
        directory: the preset's folder.
        root: what is deployed: a task (or a network alone).
        parts: what was trained along with it, by sub-folder: `{"generator": task}` or
            `{"critic": network}`. Each is a preset of its own.
        metadata: JSON values to add to each metadata.json: data, metrics, command, licence.
        weights_dtype: `"float16"` halves the weight files; loaded they are float32, rounded.
        max_shard_size: float, GB; a network of more goes into several files. None for one.
        finish: takes the folder under its temporary name, to check it or to add a model card;
            where it raises, nothing is written.

    Returns:
        The folder.

    Raises:
        ValueError: a folder that is no preset, a part or a metadata key that cannot be, or weights
            that float16 cannot hold.
    """
    directory = pathlib.Path(directory).expanduser().absolute()
    parts, metadata = dict(parts or {}), dict(metadata or {})
    _check_parts(parts)
    _check_metadata(metadata)
    _check_replaceable(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        staged = temporary / "new"
        options = WeightOptions(weights_dtype, max_shard_size)
        _write(staged, root, metadata, options)
        for name, part in parts.items():
            _write(staged / name, part, metadata, options)
        if finish is not None:
            finish(staged)
        _replace(staged, directory, temporary / "old")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return directory


def _check_parts(parts: Mapping[str, Network]) -> None:
    for name in parts:
        if not _PART.fullmatch(name):
            raise ValueError(
                f"A part's name is its sub-folder: lower-case letters, digits and underscores. "
                f"Received {name!r}."
            )


def _check_metadata(metadata: Mapping[str, object]) -> None:
    if clash := sorted(set(_OWN_METADATA) & set(metadata)):
        raise ValueError(f"`metadata` may not set {', '.join(clash)}: the zoo does.")
    try:
        json.dumps(metadata)
    except TypeError as error:
        raise ValueError(
            f"`metadata` must hold JSON values, Python's own numbers for instance: {error}."
        ) from error


def _check_replaceable(directory: pathlib.Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise ValueError(f"{directory} is a file; give the folder that the preset shall become.")
    entries = sorted(directory.iterdir())
    if _is_preset(directory):
        entries = [entry for entry in entries if not _belongs_to_preset(entry)]
    if entries:
        raise ValueError(
            f"{directory} would be replaced as a whole, and holds what is not a preset's "
            f"({', '.join(entry.name for entry in entries[:3])}). Choose another folder."
        )


def _belongs_to_preset(entry: pathlib.Path) -> bool:
    if entry.is_dir():
        return _is_preset(entry)
    return entry.name in FILES or entry.match(SHARDS)


def _is_preset(folder: pathlib.Path) -> bool:
    try:
        content = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("registered_name") == f"zoo>{BACKBONE}"


def _replace(staged: pathlib.Path, directory: pathlib.Path, old: pathlib.Path) -> None:
    # No portable call exchanges two folders; a kill right here leaves both in the hidden one.
    if directory.exists():
        os.rename(directory, old)
    try:
        os.rename(staged, directory)
    except OSError:
        if old.exists():
            os.rename(old, directory)
        raise


def _write(folder: pathlib.Path, saved: Network, metadata: dict, options: WeightOptions) -> None:
    """Writes one preset into a new folder."""
    is_task = hasattr(saved, "preset_class")
    network = saved.network if is_task else saved
    if not isinstance(network, Network):
        raise ValueError(f"A preset holds a task or a Network, received a {type(saved).__name__}.")
    folder.mkdir()
    backbone = _serialize_backbone(network)
    check_config(backbone["config"]["network"], where=type(network).__name__)
    _write_json(folder / CONFIG_FILE, backbone)
    save_weights(network.as_functional(), folder / WEIGHTS_FILE, **options._asdict())
    if is_task:
        preprocessor = _serialize_preprocessor(saved)
        if preprocessor is not None:
            _write_json(folder / PREPROCESSOR_FILE, preprocessor)
        nested = {"backbone": backbone, "preprocessor": preprocessor}
        arguments = {**nested, **saved.preset_arguments()}
        _write_json(folder / TASK_FILE, _serialized(saved.preset_class, arguments))
        head = saved.head()
        if head is not None:
            save_weights(head, folder / TASK_WEIGHTS_FILE, dtype=options.dtype)
    tasks = [TASKS[saved.preset_class]] if is_task else []
    own = _own_metadata(folder, saved.count_params(), tasks, options.dtype)
    _write_json(folder / METADATA_FILE, {**own, **metadata})


def _serialize_backbone(network: Network) -> dict:
    arguments = {
        "network": serialize_network(network),
        "name": network.name,
        "trainable": True,
        "dtype": keras.dtype_policies.serialize(network.dtype_policy),
    }
    return _serialized(BACKBONE, arguments)


def serialize_network(network: Network) -> dict:
    """Returns a network's configuration, without what Keras adds when it is built or compiled."""
    return _without_build_state(keras.saving.serialize_keras_object(network))


def _serialize_preprocessor(saved: Network) -> dict | None:
    """Returns what makes raw images ready in keras-hub; a classifier here does so by itself."""
    if saved.preset_class != "NetworkImageClassifier":
        return None
    arguments = {"image_shape": list(saved.image_shape), "name": "preprocessor"}
    return _serialized(PREPROCESSOR, arguments)


def _serialized(adapter: str, arguments: dict) -> dict:
    return {
        "module": "zoo.hub",
        "class_name": adapter,
        "config": arguments,
        "registered_name": f"zoo>{adapter}",
    }


def _without_build_state(config: dict) -> dict:
    """Drops what Keras adds for models that are built or compiled later than made."""
    return {
        key: _without_build_state(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in ("build_config", "compile_config", "shared_object_id")
    }


def _own_metadata(
    folder: pathlib.Path, parameter_count: int, tasks: list[str], dtype: WeightsDtype
) -> dict:
    date = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    files = {path.name: fingerprint(path) for path in weight_files(folder)}
    values = (
        FORMAT,
        _version(),
        keras.__version__,
        parameter_count,
        date,
        tasks,
        files,
        dtype,
    )
    return dict(zip(_OWN_METADATA, values, strict=True))


def _version() -> str:
    try:
        return importlib.metadata.version("lipschitz-gan-zoo")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
