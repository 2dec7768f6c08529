"""Base class of tasks: a network, its task-specific layers, and presets."""

import os
import pathlib
import tempfile
from collections.abc import Mapping
from typing import ClassVar, Self

import h5py
import keras

from zoo.networks.network import Network
from zoo.presets.builtin import builtin_folders, builtin_metadata
from zoo.presets.layout import TASK_WEIGHTS_FILE, TASKS
from zoo.presets.read import Handle, Preset, read_task
from zoo.presets.write import save_bundle


class _BuiltinPresets:
    """Class property with the built-in presets of a task class, by name."""

    def __get__(self, task: "Task | None", owner: "type[Task]") -> dict[str, dict]:
        kind = TASKS.get(owner.preset_class or "")
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
    """Base class of `ImageClassifier` and `ImageGenerator`, which wrap a network for deployment.

    A subclass sets `preset_class`, returns its constructor arguments from `preset_arguments`, and
    returns the layers outside the network from `head`.

    Args:
        network: a `Network` with an `image_shape`.
        name: str, the model's name.
        dtype: a dtype policy or its name; None for that of the network.

    Attributes:
        presets: dict, the built-in presets of the class: description, parameter count and folder
            by name.

    Raises:
        ValueError: `network` is not a `Network` with an `image_shape`.
    """

    presets: ClassVar = _BuiltinPresets()

    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        if not isinstance(network, Network) or getattr(network, "image_shape", None) is None:
            raise ValueError(
                "`network` must be a zoo.networks.Network with an `image_shape`, received a "
                f"{type(network).__name__}."
            )
        super().__init__(name=name, dtype=network.dtype_policy if dtype is None else dtype)
        self.network = network

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of the network's images, (height, width, channels)."""
        return tuple(self.network.image_shape)

    def compile_from_config(self, config: dict) -> None:
        """Compiles from the configuration in a `.keras` file; Keras requires it with `compile`."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def load_weights(self, filepath: str | os.PathLike, *arguments: object) -> None:
        """Loads weights as `keras.Model.load_weights`, also from a file named `NAME.h5`.

        Keras reads the name `NAME.h5` as its old format only. A file in the new format loads under
        this name too.

        Args:
            filepath: `NAME.weights.h5`, `NAME.h5` or `NAME.keras`.
            *arguments: further arguments of `keras.Model.load_weights`.
        """
        path = pathlib.Path(filepath)
        renamed = path.suffix == ".h5" and not path.name.endswith(".weights.h5") and path.is_file()
        if not renamed or _is_old_format(path):
            super().load_weights(filepath, *arguments)
            return
        with tempfile.TemporaryDirectory() as folder:
            link = pathlib.Path(folder, "model.weights.h5")
            link.symlink_to(path.absolute())
            super().load_weights(link, *arguments)

    def preset_arguments(self) -> dict:
        """Returns the constructor's arguments as JSON values, without `network` and `dtype`."""
        raise NotImplementedError

    def head(self) -> keras.Model | None:
        """Returns a functional view of the layers outside the network; None if there are none."""
        return None

    def get_config(self) -> dict:
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            **self.preset_arguments(),
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_preset(
        cls, handle: Handle, *, load_weights: bool = True, dtype: object = None
    ) -> Self:
        """Loads a trained task.

        Args:
            handle: a built-in name (see `zoo.list_presets`), a folder or an address.
            load_weights: bool, False for random weights.
            dtype: a dtype policy or its name (`"mixed_bfloat16"`); None for the saved one.

        Raises:
            ValueError: there is no preset, it holds another task, or it is damaged, unsafe or of
                another format.
            FileNotFoundError: the weights are missing.
        """
        preset = cls._read(handle)
        task = cls._build(preset, preset.arguments, load_weights, dtype)
        head = task.head()
        if load_weights and head is not None:
            preset.load_weights(head, TASK_WEIGHTS_FILE)
        return task

    @classmethod
    def _read(cls, handle: Handle) -> Preset:
        assert cls.preset_class is not None
        return read_task(handle, TASKS[cls.preset_class])

    @classmethod
    def _build(cls, preset: Preset, arguments: dict, load_weights: bool, dtype: object) -> Self:
        network = preset.build_network(load_weights=load_weights, dtype=dtype)
        try:
            return cls(network, **arguments)
        except TypeError as error:
            raise ValueError(
                f"{preset.folder} was not written for this version of {cls.__name__}: {error}"
            ) from error

    def save_to_preset(
        self, directory: str | os.PathLike, *, metadata: Mapping[str, object] | None = None
    ) -> str | pathlib.Path:
        """Writes the task as a preset, completely or not at all.

        `zoo.save_bundle` writes a preset with parts, such as a critic.

        Args:
            directory: the preset's folder, or its address on an object store
                (`s3://BUCKET/FOLDER`); an existing preset in it is replaced.
            metadata: JSON values to add to metadata.json: data, metrics, command, licence.

        Returns:
            The folder, or the address.

        Raises:
            ValueError: a folder that is not a preset, or an invalid metadata key.
        """
        return save_bundle(directory, root=self, metadata=metadata)


def _is_old_format(path: pathlib.Path) -> bool:
    """Returns whether a file has the format of `.h5` files before Keras 3."""
    with h5py.File(path, "r") as file:
        return "layer_names" in file.attrs or "model_weights" in file
