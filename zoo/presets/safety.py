"""What a configuration from elsewhere may name: registered networks, and dtype policies."""

import pathlib

import keras

from zoo.networks.network import Network

_FORBIDDEN_KEYS = ("build_config", "compile_config", "shared_object_id")


def check_config(config: object, *, where: str) -> None:
    """Refuses a configuration that would create anything but networks.

    Keras can build whatever a configuration names: functions, lambdas, its own utilities. A
    preset needs `Network` classes registered in this process, and a `DTypePolicy` for each; the
    rest has no business there.

    Args:
        config: parsed JSON.
        where: str, the file, for the message.

    Raises:
        ValueError: it names something else; the message says what.
    """
    if isinstance(config, dict):
        if "class_name" in config or "registered_name" in config:
            _check_object(config, where)
        for key, value in config.items():
            if key in _FORBIDDEN_KEYS:
                raise ValueError(f"{where} holds {key!r}, which a preset never needs.")
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
        f"{where} names {name!r} of {config.get('module')!r}, which is not a network known here. A "
        "preset may only hold subclasses of zoo.networks.Network registered with "
        "keras.saving.register_keras_serializable; import the module that registers yours first."
    )


def check_inside(path: pathlib.Path) -> None:
    """Raises ValueError where a preset's file is a link to somewhere out of its folder."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise ValueError(
            f"{path} is a link out of the preset's folder, which a preset may not have. Put the "
            "file itself there if you trust it."
        )


def is_network(config: object) -> bool:
    """Returns whether a serialized object is a registered `Network`, by its registered name."""
    name = config.get("registered_name") if isinstance(config, dict) else None
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    return isinstance(found, type) and issubclass(found, Network)
