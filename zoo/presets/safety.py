"""Safety checks for presets: allowed classes in configurations, and files inside the folder."""

import pathlib

import keras

from zoo.networks.network import Network

_FORBIDDEN_KEYS = ("build_config", "compile_config", "shared_object_id")
_USUAL_SIZE = 2**16


def check_config(config: object, *, where: str) -> None:
    """Checks that a configuration creates nothing except networks and dtype policies.

    Keras builds any object that a configuration names, such as functions, lambdas and its own
    utilities. A preset only needs `Network` classes that are registered in this process, and a
    `DTypePolicy` for each.

    Args:
        config: parsed JSON.
        where: str, the file or class, for the message.

    Raises:
        ValueError: the configuration names another object; the message contains its name.
    """
    if isinstance(config, dict):
        if "class_name" in config or "registered_name" in config:
            _check_object(config, where)
        for key, value in config.items():
            if key in _FORBIDDEN_KEYS:
                raise ValueError(
                    f"{where} contains {key!r}, which a preset must not contain. Save the preset "
                    "again with save_to_preset."
                )
            check_config(value, where=where)
    elif isinstance(config, list):
        for value in config:
            check_config(value, where=where)


def _check_object(config: dict, where: str) -> None:
    name = config.get("registered_name") or config.get("class_name")
    if is_network(config):
        return
    if (config.get("module"), name) == ("keras", "DTypePolicy"):
        return
    raise ValueError(
        f"{where} names {name!r} of {config.get('module')!r}, which is not a registered network. A "
        "preset may only contain subclasses of zoo.networks.Network that are registered with "
        "keras.saving.register_keras_serializable. Import the module that registers yours first."
    )


def check_size(config: object, *, stored: int, where: str) -> None:
    """Checks that a network is not much larger than its weight files.

    TensorFlow would fill the memory before it fails. Each channel, class and dimension of the
    latents of a network has a weight of its own.

    Args:
        config: parsed JSON.
        stored: int, bytes of the weight files.
        where: str, the file, for the message.

    Raises:
        ValueError: an integer in the configuration is larger than the weight files.
    """
    if isinstance(config, dict | list):
        for value in config.values() if isinstance(config, dict) else config:
            check_size(value, stored=stored, where=where)
    elif isinstance(config, int) and config > max(stored, _USUAL_SIZE):
        raise ValueError(
            f"{where} is damaged: it describes a network with a size of {config:,}, and its weight "
            f"files have {stored:,} bytes. Copy or download the preset again."
        )


def check_inside(path: pathlib.Path) -> None:
    """Raises ValueError if a preset's file is a link that points outside its folder."""
    try:
        inside = path.resolve().is_relative_to(path.parent.resolve())
    except RuntimeError:
        raise ValueError(f"{path} is a link to itself; replace it by the file.") from None
    if not inside:
        raise ValueError(
            f"{path} is a link out of the preset's folder, which is not allowed. If you trust the "
            "file, copy it into the folder."
        )


def is_network(config: object) -> bool:
    """Returns True if a serialized object's registered name is that of a `Network` subclass."""
    name = config.get("registered_name") if isinstance(config, dict) else None
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    return isinstance(found, type) and issubclass(found, Network)
