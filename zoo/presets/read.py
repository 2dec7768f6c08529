"""Reading a preset: nothing is built before everything was checked."""

import dataclasses
import json
import os
import pathlib

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
from zoo.presets.safety import check_config, check_inside, is_network
from zoo.presets.weights import load_weights, weight_files


@dataclasses.dataclass(frozen=True)
class Preset:
    """A preset folder, its JSON files read and checked.

    Args:
        folder: the folder.
        network: dict, the network as Keras serializes it.
        task: str, the class of `zoo.tasks` it holds, None for a network alone.
        arguments: dict, the task's constructor arguments, without the network.
        metadata: dict, metadata.json.
    """

    folder: pathlib.Path
    network: dict
    task: str | None
    arguments: dict
    metadata: dict

    def build_network(self, *, load_weights: bool, dtype: object) -> Network:
        """Returns the network, its weights loaded and verified if asked for."""
        network = self.network
        if dtype is not None:
            network = with_dtype(network, dtype)
        try:
            built = build(network)
        except (TypeError, KeyError) as error:
            raise ValueError(
                f"{self.folder / CONFIG_FILE} does not fit {network['registered_name']}: "
                f"{str(error).splitlines()[-1]}"
            ) from error
        if load_weights:
            self.load_weights(built.as_functional(), WEIGHTS_FILE)
        return built

    def load_weights(self, model: keras.Model, name: str) -> None:
        """Loads one of the preset's weight files, after its size and checksum."""
        load_weights(model, self.folder, name, files=self.metadata.get("files", {}))


def build(network: dict) -> Network:
    """Makes a network of its checked configuration, all of its layers in its own precision."""
    # A layer that is given no dtype takes the process' policy, not that of the network it is in.
    before = keras.config.dtype_policy()
    own = network["config"].get("dtype")
    keras.config.set_dtype_policy(before if own is None else keras.dtype_policies.get(own))
    try:
        return keras.saving.deserialize_keras_object(network, safe_mode=True)
    finally:
        keras.config.set_dtype_policy(before)


def with_dtype(network: dict, dtype: object) -> dict:
    """Returns a serialized network, and those inside of it, with another dtype policy."""
    inner = {
        key: with_dtype(value, dtype) if is_network(value) else value
        for key, value in network["config"].items()
    }
    return {**network, "config": {**inner, "dtype": dtype}}


def read(handle: str | os.PathLike) -> Preset:
    """Reads and checks a preset's JSON files.

    Args:
        handle: a built-in name, a folder or an address; see `zoo.presets.handles.resolve`.

    Raises:
        ValueError: no preset, or one that cannot be trusted or understood.
    """
    folder = resolve(handle)
    if not (folder / CONFIG_FILE).is_file():
        raise ValueError(f"{folder} is not a preset: it has no {CONFIG_FILE}.")
    task, arguments = _read_task(folder)
    return Preset(folder, _read_network(folder), task, arguments, _read_metadata(folder))


def read_for(handle: str | os.PathLike, task: str) -> Preset:
    """Reads the preset of a task, which may be a part of another task's preset.

    Args:
        handle: a built-in name, a folder or an address; see `zoo.presets.handles.resolve`.
        task: `"ImageClassifier"` or `"ImageGenerator"`.

    Raises:
        ValueError: it holds no such task; the message says what it holds.
    """
    preset = read(handle)
    if preset.task == task:
        return preset
    part = PART_FOLDERS.get(task)
    if part and preset.task and (preset.folder / part).is_dir():
        check_inside(preset.folder / part)
        return read_for(preset.folder / part, task)
    if preset.task is None:
        network = preset.network["class_name"]
        raise ValueError(
            f"The preset {handle!s} holds a network alone ({network}) and no {task}. Load it with "
            f"zoo.load_network({str(handle)!r})."
        )
    missing = f" and has no part {part}/" if part else ""
    raise ValueError(
        f"The preset {handle!s} holds an {preset.task}{missing}, not an {task}. Load it with "
        f"zoo.{preset.task}.from_preset({str(handle)!r})."
    )


def load_network(
    handle: str | os.PathLike, *, load_weights: bool = True, dtype: object = None
) -> Network:
    """Loads a preset's network without its task, for example the critic of a GAN.

    Args:
        handle: a built-in name or a folder; `"<preset>/critic"` for a part.
        load_weights: bool, False for random weights.
        dtype: a dtype policy or its name, None for the saved one.

    Raises:
        ValueError: no preset, a damaged one, or one that names something else than networks.
        FileNotFoundError: the weights are missing.
    """
    return read(handle).build_network(load_weights=load_weights, dtype=dtype)


def _read_json(path: pathlib.Path) -> dict:
    check_inside(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path.parent} is not a whole preset: it has no {path.name}.") from None
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
            f"{path} describes {content.get('registered_name')!r}. Presets of this zoo hold a "
            f"'zoo>{BACKBONE}' with a network inside; load others with the library they are from."
        )
    if not (is_network(network) and isinstance(network.get("config"), dict)):
        raise ValueError(
            f"{path} names {network.get('registered_name')!r} as its network, which is no "
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
    # The network is config.json's; keras-hub wants it repeated here.
    arguments = {k: v for k, v in arguments.items() if k not in ("backbone", "preprocessor")}
    check_config(arguments, where=str(path))
    return task, arguments


def _read_metadata(folder: pathlib.Path) -> dict:
    path = folder / METADATA_FILE
    content = _read_json(path)
    written = content.get("format", FORMAT)  # keras-hub writes none.
    if written != FORMAT:
        raise ValueError(
            f"{path} is of format {written!r}; this version of the zoo reads {FORMAT}. Upgrade it."
        )
    files = content.get("files", {})
    weights = [path.name for path in weight_files(folder)]
    if not isinstance(files, dict) or ("format" in content and set(weights) - set(files)):
        raise ValueError(f"{path} has no checksum for each of {', '.join(weights)}.")
    return content
