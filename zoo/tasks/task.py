"""What both tasks share: a network inside, and presets."""

import os
import pathlib
from collections.abc import Mapping
from typing import ClassVar, Self

import keras

from zoo.networks.network import Network
from zoo.presets.builtin import builtin_folders, builtin_metadata
from zoo.presets.layout import TASK_WEIGHTS_FILE, TASKS
from zoo.presets.read import Preset, read_for
from zoo.presets.write import save_bundle


class _Presets:
    """The built-in presets of a class of tasks: name to description, size and place."""

    def __get__(self, task: "Task | None", owner: "type[Task]") -> dict[str, dict]:
        kind = TASKS.get(getattr(owner, "preset_class", ""))
        return {
            name: {
                "description": metadata.get("description", ""),
                "parameter_count": metadata["parameter_count"],
                "folder": str(builtin_folders()[name]),
            }
            for name, metadata in builtin_metadata().items()
            if kind is None or kind in metadata.get("tasks", [])
        }


class Task(Network):
    """A network with what it takes to use it: the base of `ImageClassifier` and `ImageGenerator`.

    A subclass sets `preset_class`, lists its own constructor arguments in `preset_arguments`, and
    returns the layers that are not the network's from `head`.

    Args:
        network: a `Network` with an `image_shape`.
        name: str, the model's name.
        dtype: a dtype policy or its name; by default the network's.
    """

    preset_class: ClassVar[str]
    presets: ClassVar = _Presets()

    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        if not (isinstance(network, Network) and hasattr(network, "image_shape")):
            raise ValueError(
                "`network` must be a zoo.networks.Network with an `image_shape`, received a "
                f"{type(network).__name__}."
            )
        super().__init__(name=name, dtype=network.dtype_policy if dtype is None else dtype)
        self.network = network

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the network's images."""
        return tuple(self.network.image_shape)

    def preset_arguments(self) -> dict:
        """Returns the constructor's arguments but for network and dtype, as JSON values."""
        raise NotImplementedError

    def head(self) -> keras.Model | None:
        """Returns a functional view of the weights outside of the network, None without any."""
        return None

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            **self.preset_arguments(),
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict) -> Self:
        """Returns a task of this configuration, with a network of its own."""
        network = config["network"]
        if isinstance(network, dict):
            network = keras.saving.deserialize_keras_object(network)
        return cls(**{**config, "network": network})

    @classmethod
    def from_preset(
        cls, handle: str | os.PathLike, *, load_weights: bool = True, dtype: object = None
    ) -> Self:
        """Loads a trained task.

        Args:
            handle: a built-in name (see `zoo.list_presets`) or a folder.
            load_weights: bool, False for random weights.
            dtype: a dtype policy or its name (`"mixed_bfloat16"`), None for the saved one.

        Raises:
            ValueError: no preset, one of another task, a damaged or a hostile one.
            FileNotFoundError: its weights are missing.
        """
        preset = read_for(handle, TASKS[cls.preset_class])
        task = cls._from_arguments(preset, preset.arguments, load_weights, dtype)
        head = task.head()
        if load_weights and head is not None:
            preset.load_weights(head, TASK_WEIGHTS_FILE)
        return task

    @classmethod
    def _from_arguments(
        cls, preset: Preset, arguments: dict, load_weights: bool, dtype: object
    ) -> Self:
        network = preset.build_network(load_weights=load_weights, dtype=dtype)
        try:
            return cls(network, **arguments)
        except TypeError as error:
            raise ValueError(
                f"{preset.folder} was not written for this version of {cls.__name__}: {error}"
            ) from error

    def save_to_preset(
        self, directory: str | os.PathLike, *, metadata: Mapping[str, object] | None = None
    ) -> pathlib.Path:
        """Writes the task as a preset, whole or not at all; `zoo.presets.save_bundle` adds parts.

        Args:
            directory: the preset's folder; an earlier preset in it is replaced.
            metadata: JSON values to add to metadata.json: data, metrics, command, licence.

        Returns:
            The folder.
        """
        return save_bundle(directory, root=self, metadata=metadata)
