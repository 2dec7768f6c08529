"""Initial weights from a preset, or from the preset of another run: `--init-from`."""

import os
import pathlib
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from training.data_digest import class_changes, read_data_record
from zoo.errors import UserError

if TYPE_CHECKING:
    from zoo.models.trainer import StatelessTrainer


_WEIGHT_FILES = (".h5", ".hdf5", ".keras", ".npz", ".pt", ".pth", ".safetensors", ".ckpt")


def preset_of(source: str | pathlib.Path) -> str:
    """Returns the preset of a run's folder, or the handle as it is.

    A run or preset on an object store is downloaded first.

    Raises:
        UserError: the run has no preset yet, or the source is a file.
    """
    from zoo.presets.handles import local_source

    source = os.fspath(local_source(source))
    path = pathlib.Path(os.path.expanduser(source))
    is_other = "://" in str(source) or path.is_dir()
    if not is_other and (path.suffix.lower() in _WEIGHT_FILES or path.is_file()):
        raise UserError(_file_message(path))
    if (path / "preset").is_dir():
        return str(path / "preset")
    if (path / "recipe.json").exists():
        raise UserError(f"{source} has no preset yet: finish the run with its own command first.")
    return str(source)


def _file_message(path: pathlib.Path) -> str:
    """Returns the error message for a file, with the folder or the commands to use instead."""
    if not path.is_file():
        return f"The file {path} does not exist. Give the folder of a run or of a preset."
    expected = f"{path} is a file, and the folder of a run or of a preset is expected."
    if folders := [folder for folder in path.absolute().parents[:4] if _is_source(folder)]:
        return f"{expected} Give {shlex.quote(os.path.relpath(folders[-1]))}."
    return (
        f"{expected} A file of weights does not describe its networks: load it into the model that "
        f"wrote it, with model.load_weights({str(path)!r}), write a preset with "
        'zoo.presets.trainer.save_trainer(model, "preset"), and give preset.'
    )


def _is_source(folder: pathlib.Path) -> bool:
    """Returns True for the folder of a run or of a preset."""
    preset = all((folder / name).is_file() for name in ("config.json", "metadata.json"))
    return preset or (folder / "recipe.json").is_file()


def initialise(model: "StatelessTrainer", source: str, *, class_names: Sequence[str] = ()) -> None:
    """Loads the weights of both networks from a preset; the optimizers start anew.

    A network and its averaged copy both start with the weights of the preset, which are the
    averaged weights of the run that it comes from.

    Args:
        model: a compiled GAN.
        source: a preset's handle, or the folder of a finished run.
        class_names: the names of the classes of the data. They must be those of the preset if the
            networks use classes.

    Raises:
        UserError: the preset does not exist, has no critic, has networks of another shape, or has
            other classes.
    """
    from zoo.presets import load_network
    from zoo.presets.handles import local_source
    from zoo.tasks import ImageClassifier

    try:
        folder = pathlib.Path(local_source(source))
        handle = preset_of(source)
        if model.classifier is not None:
            critic: keras.Model = ImageClassifier.from_preset(handle)
            generator = load_network(f"{handle}/generator")
        else:
            generator, critic = load_network(handle), load_network(f"{handle}/critic")
    except (ValueError, OSError, UserError) as error:
        raise UserError(f"--init-from {source}: {error}") from None
    loaded = (("generator", generator), ("critic", critic))
    for part, network in loaded:
        _check_same(getattr(model, part), network, what=f"--init-from {source}: the {part}")
    if getattr(generator, "num_classes", 0) or isinstance(critic, ImageClassifier):
        _check_classes(_class_names(folder, critic), tuple(class_names), source)
    for part, network in loaded:
        for name in (part, f"{part}_average"):
            if getattr(model, name, None) is not None:
                getattr(model, name).set_weights(network.get_weights())


def _class_names(source: pathlib.Path, critic: keras.Model) -> tuple[str, ...]:
    """Returns the class names of a classifier, or of the data of a run; empty if unknown."""
    from zoo.tasks import ImageClassifier

    if isinstance(critic, ImageClassifier):
        return tuple(critic.class_names)
    stored = read_data_record(source)
    return tuple(stored["class_names"]) if stored else ()


def _check_classes(theirs: tuple[str, ...], ours: tuple[str, ...], source: str) -> None:
    """Checks that two lists of class names are the same, if both are known."""
    if theirs and ours and theirs != ours:
        changes = class_changes(list(theirs), list(ours), where="the preset")
        raise UserError(
            f"--init-from {source}: the preset was trained on other classes than those of --data:"
            "\n  " + "\n  ".join(changes) + "\nGive data with the same classes in the same order."
        )


def _check_same(own: keras.Model, other: keras.Model, *, what: str) -> None:
    """Checks that two networks have the same architecture."""
    if type(own) is not type(other):
        raise UserError(f"{what} is a {type(other).__name__}; this run has a {type(own).__name__}.")
    ours, theirs = _sizes(own), _sizes(other)
    if ours == theirs:
        return
    for key in ("image_shape", "num_classes", "latent_dim"):
        one, two = getattr(own, key, None), getattr(other, key, None)
        if one != two:
            raise UserError(f"{what} has {key} {two}; this run has {one}. Give the same value.")
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    key = differing[0]
    raise UserError(
        f"{what} differs from this run's in {len(differing)} weights; the first is {key}: "
        f"{theirs.get(key, 'none')} in the preset, {ours.get(key, 'none')} in this run. Give the "
        "options of the run that the preset comes from."
    )


def _sizes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    # Names repeat, so the position is part of the key; paths begin with the model's own name.
    return {f"{i} ({v.name})": tuple(v.shape) for i, v in enumerate(network.variables)}
