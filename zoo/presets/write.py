"""Writing presets atomically: a preset is written completely or not at all."""

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

from zoo.disk_space import reserve
from zoo.networks.network import Network
from zoo.presets.layout import (
    BACKBONE,
    CONFIG_FILE,
    FILES,
    FORMAT,
    METADATA_FILE,
    PREPROCESSOR_FILE,
    SHARDS,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    TASKS,
    WEIGHTS_FILE,
    fingerprint,
)
from zoo.presets.safety import check_config
from zoo.presets.serialization import (
    adapter_config,
    serialize_backbone,
    serialize_preprocessor,
)
from zoo.presets.weights import WeightsDtype, save_weights, weight_files
from zoo.storage.address import is_remote
from zoo.storage.upload import local_target

_RESERVED_METADATA = (
    "format",
    "zoo_version",
    "keras_version",
    "parameter_count",
    "date_saved",
    "tasks",
    "files",
    "weights_dtype",
)
_OVERHEAD_BYTES = 2**19
"""Space for the structure of an HDF5 file and the JSON files of a preset."""
_PART = re.compile(r"[a-z][a-z0-9_]*")


class WeightOptions(NamedTuple):
    """Options of `save_weights`.

    Attributes:
        dtype: `"float32"` or `"float16"`, the dtype in the files.
        max_shard_size: float, GB; None for one file.
    """

    dtype: WeightsDtype = "float32"
    max_shard_size: float | None = None


def save_bundle(
    directory: str | os.PathLike,
    *,
    root: Network,
    parts: Mapping[str, Network] | None = None,
    metadata: Mapping[str, object] | None = None,
    dtype: str | None = None,
    weights_dtype: WeightsDtype = "float32",
    max_shard_size: float | None = None,
    finish: Callable[[pathlib.Path], None] | None = None,
) -> str | pathlib.Path:
    """Writes a preset and its parts into a folder, completely or not at all.

    An existing preset in the folder is replaced. A folder with any other content is an error.

    Args:
        directory: the preset's folder, or its address on an object store (`s3://BUCKET/FOLDER`).
        root: the deployed task, or a network without a task.
        parts: networks that were trained together with the root, by sub-folder:
            `{"generator": task}` or `{"critic": network}`. Each becomes a preset.
        metadata: JSON values to add to each metadata.json: data, metrics, command, licence.
        dtype: name of the dtype policy that the loaded networks compute in; None for their own.
        weights_dtype: `"float16"` halves the weight files; loading converts them to float32.
        max_shard_size: float, GB; larger weights are written as several files. None for one file.
        finish: a function of the temporary folder that checks the preset or adds a model card. If
            it raises an error, nothing is written.

    Returns:
        The folder, or the address.

    Raises:
        ValueError: a folder that is not a preset, a store that cannot be written, an invalid part
            name or metadata key, or weights that float16 cannot represent.
        OSError: the preset cannot be written, for example because the disk is full.

    Example:
    >>> import tempfile, zoo
    >>> network = zoo.networks.make_generator("dcgan", image_shape=(8, 8, 1), latent_dim=4)
    >>> critic = zoo.networks.make_critic("dcgan", image_shape=(8, 8, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     task, parts = zoo.ImageGenerator(network), {"critic": critic}
    ...     path = save_bundle(f"{folder}/preset", root=task, parts=parts)
    ...     zoo.from_preset(path).generate(2, seed=0).shape
    (2, 8, 8, 1)
    """
    parts, metadata = dict(parts or {}), dict(metadata or {})
    with local_target(directory, replaces=CONFIG_FILE) as target:
        _check_arguments(target, parts, metadata)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            staged = temporary / "new"
            reserve(temporary, map(_size, [root, *parts.values()]))
            options = WeightOptions(weights_dtype, max_shard_size)
            _write(staged, root, metadata, options, dtype)
            for name, part in parts.items():
                _write(staged / name, part, metadata, options, dtype)
            if finish is not None:
                finish(staged)
            _replace(staged, target, temporary / "old")
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return os.fspath(directory) if is_remote(directory) else target


def _size(saved: Network) -> int:
    """Returns the bytes that the preset of a network or task takes at most."""
    size = sum(keras.ops.convert_to_numpy(v).nbytes for v in saved.variables)
    return size + size // 8 + _OVERHEAD_BYTES


def _check_arguments(
    directory: pathlib.Path, parts: Mapping[str, Network], metadata: Mapping[str, object]
) -> None:
    for name in parts:
        if not _PART.fullmatch(name):
            raise ValueError(
                "A part's name is its sub-folder: lower-case letters, digits and underscores, "
                f"received {name!r}."
            )
    if clash := sorted(set(_RESERVED_METADATA) & set(metadata)):
        raise ValueError(
            f"`metadata` may not set {', '.join(clash)}, because the zoo writes these keys. Use "
            "other names."
        )
    try:
        json.dumps(metadata)
    except TypeError as error:
        raise ValueError(
            f"`metadata` must contain JSON values, for example Python numbers: {error}."
        ) from error
    _check_replaceable(directory)


def _check_replaceable(directory: pathlib.Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise ValueError(f"{directory} is a file; give the path of a folder for the preset.")
    entries = sorted(directory.iterdir())
    if _is_preset(directory):
        entries = [entry for entry in entries if not _belongs_to_preset(entry)]
    if entries:
        raise ValueError(
            f"Saving replaces the folder {directory}, which contains other files than a preset's "
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
    # There is no portable call that exchanges two folders. If the process is killed between the two
    # renames, both presets are in the hidden folder.
    if directory.exists():
        os.rename(directory, old)
    try:
        os.rename(staged, directory)
    except OSError:
        if old.exists():
            os.rename(old, directory)
        raise


def _write(
    folder: pathlib.Path, saved: Network, metadata: dict, options: WeightOptions, dtype: str | None
) -> None:
    """Writes one preset into a new folder."""
    if not isinstance(saved, Network):
        raise ValueError(
            f"A preset contains a task or a zoo.networks.Network, received a "
            f"{type(saved).__name__}."
        )
    adapter = saved.preset_class
    network = saved if adapter is None else saved.network
    folder.mkdir()
    backbone = serialize_backbone(network, dtype)
    check_config(backbone["config"]["network"], where=type(network).__name__)
    _write_json(folder / CONFIG_FILE, backbone)
    save_weights(network.as_functional(), folder / WEIGHTS_FILE, **options._asdict())
    if adapter is not None:
        preprocessor = serialize_preprocessor(saved)
        if preprocessor is not None:
            _write_json(folder / PREPROCESSOR_FILE, preprocessor)
        nested = {"backbone": backbone, "preprocessor": preprocessor}
        arguments = {**nested, **saved.preset_arguments()}
        _write_json(folder / TASK_FILE, adapter_config(adapter, arguments))
        head = saved.head()
        if head is not None:
            save_weights(head, folder / TASK_WEIGHTS_FILE, dtype=options.dtype)
    tasks = [] if adapter is None else [TASKS[adapter]]
    reserved = _reserved_metadata(folder, saved.count_params(), tasks, options.dtype)
    _write_json(folder / METADATA_FILE, {**reserved, **metadata})


def _reserved_metadata(
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
    return dict(zip(_RESERVED_METADATA, values, strict=True))


def _version() -> str:
    try:
        return importlib.metadata.version("lipschitz-gan-zoo")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n", encoding="utf-8")
