"""Reading presets: all JSON files are checked before any object is built."""

import dataclasses
import json
import os
import pathlib
import re

import keras

from zoo.networks.network import Network
from zoo.presets.handles import resolve
from zoo.presets.layout import (
    BACKBONE,
    CONFIG_FILE,
    FORMAT,
    METADATA_FILE,
    PART_FOLDERS,
    TASK_FILE,
    TASKS,
    WEIGHTS_FILE,
)
from zoo.presets.safety import check_config, check_inside, check_size, is_network
from zoo.presets.weights import load_weights, weight_files

_BOLD = re.compile(r"\x1b\[1m(.*?)\x1b\[0m", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Preset:
    """The checked content of a preset's JSON files.

    One load reads each JSON file once, because the functions that load a preset also take a
    `Preset` and pass it along. A weight file is opened twice: for its checksum and by Keras.

    Args:
        handle: str, the handle that the user gave, for messages.
        folder: the folder.
        network: dict, the network's configuration as Keras serializes it.
        task: str, the class of `zoo.tasks` in the preset; None for a network without a task.
        arguments: dict, the task's constructor arguments, without the network.
        metadata: dict, the content of metadata.json.
    """

    handle: str
    folder: pathlib.Path
    network: dict
    task: str | None
    arguments: dict
    metadata: dict

    def build_network(self, *, load_weights: bool, dtype: object) -> Network:
        """Builds the network, in the precision `dtype` (None for the saved one).

        Raises:
            ValueError: a configuration that does not fit its class, or damaged weights.
            FileNotFoundError: the weights are missing.
        """
        network = self.network
        if load_weights:
            files = [path for path in weight_files(self.folder) if path.is_file()]
            stored = sum(path.stat().st_size for path in files)
            check_size(network["config"], stored=stored, where=str(self.folder / CONFIG_FILE))
        if dtype is not None:
            network = with_dtype(network, dtype)
        try:
            built = build_network(network)
        except (TypeError, KeyError, AttributeError, RuntimeError) as error:
            raise ValueError(
                f"{self.folder / CONFIG_FILE} does not fit {network['registered_name']}: "
                f"{_cause(error)}"
            ) from error
        if not isinstance(built, Network):
            raise ValueError(f"{self.folder / CONFIG_FILE} is damaged: it names no network.")
        if load_weights:
            self.load_weights(built.as_functional(), WEIGHTS_FILE)
        return built

    def load_weights(self, model: keras.Model, name: str) -> None:
        """Loads one of the preset's weight files after checking its size and SHA-256."""
        load_weights(model, self.folder, name, files=self.metadata.get("files", {}))


Handle = str | os.PathLike | Preset
"""A built-in name, a folder, an address (see `zoo.presets.handles.resolve`), or a read preset."""


def _cause(error: Exception) -> str:
    """Returns the line of an error that states its cause. Keras prints this line in bold."""
    bold = _BOLD.findall(str(error))
    lines = (bold[-1] if bold else str(error)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


def build_network(network: dict) -> Network:
    """Builds a network from its checked configuration, with all layers in its dtype policy."""
    # A layer without a dtype gets the global policy, not the policy of the network around it.
    before = keras.config.dtype_policy()
    own = network["config"].get("dtype")
    keras.config.set_dtype_policy(before if own is None else keras.dtype_policies.get(own))
    try:
        return keras.saving.deserialize_keras_object(network, safe_mode=True)
    finally:
        keras.config.set_dtype_policy(before)


def with_dtype(network: dict, dtype: object) -> dict:
    """Returns a copy of a network's configuration, and of inner ones, with another dtype policy."""
    inner = {
        key: with_dtype(value, dtype) if is_network(value) else value
        for key, value in network["config"].items()
    }
    return {**network, "config": {**inner, "dtype": dtype}}


def read(handle: Handle) -> Preset:
    """Reads and checks a preset's JSON files; returns a preset that was read before unchanged.

    Args:
        handle: a built-in name, a folder, an address or a `Preset`.

    Raises:
        ValueError: there is no preset, or it is damaged, unsafe, or of another format.
    """
    if isinstance(handle, Preset):
        return handle
    folder = resolve(handle)
    if not (folder / CONFIG_FILE).is_file():
        raise ValueError(f"{folder} is not a preset: it has no {CONFIG_FILE}.")
    task, arguments = _read_task(folder)
    network, metadata = _read_network(folder), _read_metadata(folder)
    return Preset(os.fspath(handle), folder, network, task, arguments, metadata)


def read_task(handle: Handle, task: str) -> Preset:
    """Reads the preset of a task, or the part of another task's preset that contains it.

    Args:
        handle: a built-in name, a folder, an address or a `Preset`.
        task: `"ImageClassifier"` or `"ImageGenerator"`.

    Raises:
        ValueError: the preset does not contain this task; the message states what it contains.
    """
    preset = read(handle)
    if preset.task == task:
        return preset
    part = PART_FOLDERS.get(task)
    if part and preset.task and (preset.folder / part).is_dir():
        check_inside(preset.folder / part)
        return read_task(preset.folder / part, task)
    if preset.task is None:
        raise ValueError(network_only_message(preset, task))
    missing = f" and has no part {part}/" if part else ""
    raise ValueError(
        f"The preset {preset.handle} holds an {preset.task}{missing}, not an {task}. Load it with "
        f"zoo.{preset.task}.from_preset({preset.handle!r})."
    )


def class_names_of_whole(preset: Preset, num_classes: int) -> list[str] | None:
    """Returns the class names of the classifier that a preset is a part of.

    Args:
        preset: the part.
        num_classes: int, the number of classes that the classifier must have.

    Returns:
        The names, or None if there is no such classifier.
    """
    whole = preset.folder.absolute().parent
    if preset.folder.name not in PART_FOLDERS.values() or not (whole / TASK_FILE).is_file():
        return None
    task, arguments = _read_task(whole)
    names = arguments.get("class_names") if task == "ImageClassifier" else None
    return names if isinstance(names, list) and len(names) == num_classes else None


def network_only_message(preset: Preset, expected: str) -> str:
    """Returns the error message for a preset that contains a network and no task."""
    return (
        f"The preset {preset.handle} holds a network ({preset.network['class_name']}) and no "
        f"{expected}. Load it with zoo.load_network({preset.handle!r})."
    )


def load_network(handle: Handle, *, load_weights: bool = True, dtype: object = None) -> Network:
    """Loads a preset's network without its task, for example the critic of a GAN.

    Args:
        handle: a built-in name (see `zoo.list_presets`), a folder or an address;
            `"<preset>/critic"` for a part of it.
        load_weights: bool, False for random weights.
        dtype: a dtype policy or its name (`"mixed_bfloat16"`); None for the saved one.

    Returns:
        A built `zoo.networks.Network`.

    Raises:
        ValueError: there is no preset, or it is damaged, unsafe, or of another format.
        FileNotFoundError: the weights are missing.

    Example:
    >>> import zoo
    >>> critic = zoo.load_network("runs/my_run/preset/critic")  # doctest: +SKIP
    >>> scores = critic(images)  # doctest: +SKIP
    """
    return read(handle).build_network(load_weights=load_weights, dtype=dtype)


def _read_json(path: pathlib.Path) -> dict:
    check_inside(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"The preset {path.parent} is not complete: it has no {path.name}. Copy the whole "
            "folder."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, found a {type(content).__name__}.")
    return content


def _read_network(folder: pathlib.Path) -> dict:
    path = folder / CONFIG_FILE
    content = _read_json(path)
    arguments = content.get("config")
    network = arguments.get("network") if isinstance(arguments, dict) else None
    if content.get("registered_name") != f"zoo>{BACKBONE}" or not isinstance(network, dict):
        raise ValueError(
            f"{path} describes {content.get('registered_name')!r}; expected 'zoo>{BACKBONE}' with "
            "a network inside. Load the preset with the library that wrote it."
        )
    if not (is_network(network) and isinstance(network.get("config"), dict)):
        raise ValueError(
            f"{path} names {network.get('registered_name')!r} as its network, which is not a "
            "registered subclass of zoo.networks.Network. Import the module that defines it first."
        )
    check_config(network, where=str(path))
    return network


def _read_task(folder: pathlib.Path) -> tuple[str | None, dict]:
    path = folder / TASK_FILE
    if not path.exists():
        return None, {}
    content = _read_json(path)
    registered = str(content.get("registered_name"))
    task = TASKS.get(registered.removeprefix("zoo>"))
    arguments = content.get("config")
    if not (task and registered.startswith("zoo>") and isinstance(arguments, dict)):
        known = " or ".join(f"'zoo>{name}'" for name in TASKS)
        raise ValueError(f"{path} describes {registered!r}; expected {known}.")
    # keras-hub needs the network's configuration here too; the zoo uses that of config.json.
    arguments = {k: v for k, v in arguments.items() if k not in ("backbone", "preprocessor")}
    check_config(arguments, where=str(path))
    return task, arguments


def _read_metadata(folder: pathlib.Path) -> dict:
    path = folder / METADATA_FILE
    content = _read_json(path)
    found = content.get("format", FORMAT)  # keras-hub writes no format.
    if found != FORMAT:
        raise ValueError(
            f"{path} has format {found!r}; this version of the zoo reads format {FORMAT}. Upgrade "
            "the zoo."
        )
    files = content.get("files", {})
    weights = [path.name for path in weight_files(folder)]
    if not isinstance(files, dict) or ("format" in content and set(weights) - set(files)):
        raise ValueError(f"{path} has no checksum for each of {', '.join(weights)}.")
    return content
