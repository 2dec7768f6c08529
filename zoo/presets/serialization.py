"""Configurations of networks and tasks in a preset: JSON values that keras-hub reads too."""

import keras

from zoo.networks.network import Network
from zoo.presets.layout import BACKBONE, PREPROCESSOR
from zoo.presets.read import with_dtype


def serialize_network(network: Network) -> dict:
    """Returns a network's configuration, without Keras' entries for its build and compile state."""
    return _without_build_state(keras.saving.serialize_keras_object(network))


def serialize_backbone(network: Network, dtype: str | None) -> dict:
    """Returns keras-hub's backbone of a network, with another dtype policy if one is given."""
    policy = network.dtype_policy if dtype is None else keras.dtype_policies.get(dtype)
    serialized = serialize_network(network)
    if dtype is not None:
        serialized = with_dtype(serialized, keras.dtype_policies.serialize(policy))
    arguments = {
        "network": serialized,
        "name": network.name,
        "trainable": True,
        "dtype": keras.dtype_policies.serialize(policy),
    }
    return adapter_config(BACKBONE, arguments)


def serialize_preprocessor(saved: Network) -> dict | None:
    """Returns keras-hub's preprocessor of a classifier; the zoo's classifiers need none."""
    if saved.preset_class != "NetworkImageClassifier":
        return None
    arguments = {"image_shape": list(saved.image_shape), "name": "preprocessor"}
    return adapter_config(PREPROCESSOR, arguments)


def adapter_config(adapter: str, arguments: dict) -> dict:
    """Returns the configuration of one of the classes of `zoo.hub`."""
    return {
        "module": "zoo.hub",
        "class_name": adapter,
        "config": arguments,
        "registered_name": f"zoo>{adapter}",
    }


def _without_build_state(config: dict) -> dict:
    """Removes the entries that Keras adds for models that are built or compiled after creation."""
    return {
        key: _without_build_state(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in ("build_config", "compile_config", "shared_object_id")
    }
