"""Writing a preset: whole or not at all."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Mapping

import keras

from zoo.networks.network import Network
from zoo.presets.layout import (
    BACKBONE,
    CONFIG_FILE,
    FILES,
    FORMAT,
    METADATA_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    TASKS,
    WEIGHTS_FILE,
    fingerprint,
)
from zoo.presets.safety import check_config

_OWN_METADATA = (
    "format",
    "zoo_version",
    "keras_version",
    "parameter_count",
    "date_saved",
    "tasks",
    "files",
)
_PART = re.compile(r"[a-z][a-z0-9_]*")


def save_bundle(
    directory: str | os.PathLike,
    *,
    root: Network,
    parts: Mapping[str, Network] | None = None,
    metadata: Mapping[str, object] | None = None,
) -> pathlib.Path:
    """Writes a preset and its parts into a folder, whole or not at all.

    An earlier preset in the folder is replaced; a folder that holds anything else is refused.

    Args:
        directory: the preset's folder.
        root: what is deployed: a task (or a network alone).
        parts: what was trained along with it, by sub-folder: `{"generator": task}` or
            `{"critic": network}`. Each is a preset of its own.
        metadata: JSON values to add to each metadata.json: data, metrics, command, licence.

    Returns:
        The folder.

    Raises:
        ValueError: a folder that is no preset, a part or a metadata key that cannot be.
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
        _write(staged, root, metadata)
        for name, part in parts.items():
            _write(staged / name, part, metadata)
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
    return _is_preset(entry) if entry.is_dir() else entry.name in FILES


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


def _write(folder: pathlib.Path, saved: Network, metadata: dict) -> None:
    """Writes one preset into a new folder."""
    is_task = hasattr(saved, "preset_class")
    network = saved.network if is_task else saved
    if not isinstance(network, Network):
        raise ValueError(f"A preset holds a task or a Network, received a {type(saved).__name__}.")
    folder.mkdir()
    backbone = _serialize_backbone(network)
    check_config(backbone["config"]["network"], where=type(network).__name__)
    _write_json(folder / CONFIG_FILE, backbone)
    network.as_functional().save_weights(folder / WEIGHTS_FILE)
    if is_task:
        arguments = {"backbone": backbone, "preprocessor": None, **saved.preset_arguments()}
        _write_json(folder / TASK_FILE, _serialized(saved.preset_class, arguments))
        head = saved.head()
        if head is not None:
            head.save_weights(folder / TASK_WEIGHTS_FILE)
    tasks = [TASKS[saved.preset_class]] if is_task else []
    own = _own_metadata(folder, saved.count_params(), tasks)
    _write_json(folder / METADATA_FILE, {**own, **metadata})


def _serialize_backbone(network: Network) -> dict:
    serialized = _without_build_state(keras.saving.serialize_keras_object(network))
    arguments = {
        "network": serialized,
        "name": network.name,
        "trainable": True,
        "dtype": keras.dtype_policies.serialize(network.dtype_policy),
    }
    return _serialized(BACKBONE, arguments)


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


def _own_metadata(folder: pathlib.Path, parameter_count: int, tasks: list[str]) -> dict:
    weights = [path for path in sorted(folder.iterdir()) if path.suffix == ".h5"]
    date = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    files = {path.name: fingerprint(path) for path in weights}
    values = (FORMAT, _version(), keras.__version__, parameter_count, date, tasks, files)
    return dict(zip(_OWN_METADATA, values, strict=True))


def _version() -> str:
    try:
        return importlib.metadata.version("lipschitz-gan-zoo")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
