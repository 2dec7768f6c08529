"""Writes versioned SavedModels: builds them in a hidden folder, checks and then renames them."""

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import tensorflow as tf

from export.batching_tuner import write_batching_parameters
from export.card import copy_model_card, write_card
from export.check_requests import check_requests, example_request
from export.served_name import check_default_name, check_name
from export.signatures import signatures
from export.verify import verify
from export.warmup_requests import write_warmup
from zoo import ema
from zoo.networks.network import Network
from zoo.presets import load_network
from zoo.presets.handles import local_source, resolve
from zoo.presets.layout import PART_FOLDERS
from zoo.tasks import ImageGenerator, from_preset

_RUN_FILES = ("recipe.json", "checkpoints")


def save(task: Network, directory: str | os.PathLike, *, name: str) -> pathlib.Path:
    """Writes `directory/name/<next integer>/` after a self-check.

    The version is built in a hidden folder next to `directory/name` and renamed at the end, so a
    server that polls `directory/name` never sees an incomplete version.

    Args:
        task: an `ImageClassifier`, an `ImageGenerator`, or a critic's network.
        directory: the folder of all served models.
        name: the model's name in URLs: letters, digits, dots, dashes and underscores.

    Returns:
        The new version's folder.

    Raises:
        ValueError: a name or a directory that is not allowed.
        OSError: the directory cannot be written.
        VerificationError: the SavedModel differs from the model; nothing was published.
    """
    return save_all({name: task}, directory)[0]


def save_preset(
    source: str | os.PathLike,
    directory: str | os.PathLike,
    *,
    name: str | None = None,
    critic: bool = False,
    measure_batching: bool = False,
) -> list[pathlib.Path]:
    """Exports the task of a preset, and the generator that a classifier's preset may contain.

    Args:
        source: a preset's built-in name or folder, or the folder of a finished run.
        directory: the folder of all served models.
        name: the model's name; by default the name of the preset or the run. The generator of a
            classifier's preset is called `<name>_generator`.
        critic: bool, whether the critic is exported too, as `<name>_critic`.
        measure_batching: as for `save_all`.

    Returns:
        The new versions' folders.

    Raises:
        ValueError: neither a preset nor a run, an unfinished run, a folder whose name cannot be
            served, or as for `save`.
        OSError: the directory cannot be written.
        VerificationError: as for `save`; none of the models was published.
    """
    _check_target(pathlib.Path(directory).expanduser().absolute(), served_name(source, name))
    tasks = load_tasks(source, name=name, critic=critic)
    card = resolve(find_preset(source))
    return save_all(tasks, directory, card=card, measure_batching=measure_batching)


def load_tasks(
    source: str | os.PathLike,
    *,
    name: str | None = None,
    critic: bool = False,
    dtype: str | None = None,
) -> dict[str, Network]:
    """Loads the models that a preset's export contains, by the names of the served models.

    Args:
        source: a preset's built-in name or folder, or the folder of a finished run.
        name: as for `save_preset`.
        critic: as for `save_preset`.
        dtype: the precision, None for the preset's own.

    Raises:
        ValueError: neither a preset nor a run, an unfinished run, a name that cannot be served, or
            a preset without critic.
    """
    name = served_name(source, name)
    preset = find_preset(source)
    task = from_preset(preset, dtype=dtype)
    tasks: dict[str, Network] = {name: task}
    part = resolve(preset) / PART_FOLDERS["ImageGenerator"]
    if not isinstance(task, ImageGenerator) and part.is_dir():
        tasks[f"{name}_generator"] = ImageGenerator.from_preset(part, dtype=dtype)
    if critic:
        part = resolve(preset) / "critic"
        if not part.is_dir():
            raise ValueError(
                f"{preset} has no critic (the critic of a CLS-GAN is its classifier). Leave out "
                "--critic."
            )
        tasks[f"{name}_critic"] = load_network(part, dtype=dtype)
    return tasks


def save_all(
    tasks: dict[str, Network],
    directory: str | os.PathLike,
    *,
    card: pathlib.Path | None = None,
    measure_batching: bool = False,
) -> list[pathlib.Path]:
    """Exports several models; all are checked before the first is published.

    Args:
        tasks: the models by name.
        directory: the folder of all served models.
        card: the folder of the preset whose model card is copied to each version.
        measure_batching: bool, whether batch sizes are measured on this machine and written to
            `batching_params.pbtxt` in each version.

    Returns:
        The new versions' folders.

    Raises:
        ValueError, OSError, VerificationError: as for `save`.
    """
    directory = pathlib.Path(directory).expanduser().absolute()
    for name in tasks:
        _check_target(directory, name)
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        staged = {
            name: stack.enter_context(_staged(task, directory, name))
            for name, task in tasks.items()
        }
        for name, folder in staged.items():
            if card:
                copy_model_card(card, folder)
            if measure_batching:
                write_batching_parameters(folder, example_request(tasks[name]))
        return [_publish(folder, directory / name) for name, folder in staged.items()]


def find_preset(source: str | os.PathLike) -> str | os.PathLike:
    """Returns the preset folder of a finished run, or the source itself if it is not a run.

    A run or preset on an object store is downloaded first.

    Raises:
        ValueError: an unfinished run, which has no preset.
    """
    source = local_source(source)
    folder = pathlib.Path(source).expanduser()
    if (folder / "preset").is_dir():
        return folder / "preset"
    if any((folder / file).exists() for file in _RUN_FILES):
        raise ValueError(
            f"The run {folder} is not finished: it has no folder preset/ yet. To resume it, type "
            "the command that started it."
        )
    return source


def served_name(source: str | os.PathLike, name: str | None) -> str:
    """Returns the name of an exported model, by default that of its preset or run.

    Raises:
        ValueError: a name that cannot be served; the message contains one that can.
    """
    if name is not None:
        check_name(name)
        return name
    folder = pathlib.Path(find_preset(source)).expanduser().absolute()
    default = folder.parent.name if folder.name == "preset" else folder.name
    check_default_name(default)
    return default


def _check_target(directory: pathlib.Path, name: str) -> None:
    check_name(name)
    for folder in (directory, directory / name):
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file, expected a folder. Choose another folder.")
    foreign = sorted(p.name for p in (directory / name).glob("*") if not p.name.isdigit())
    if foreign:
        raise ValueError(
            f"{directory / name} contains other files than versions: {', '.join(foreign[:3])}. The "
            "folder of a served model may only contain folders named 1, 2, ... Choose another "
            "folder or --name."
        )


@contextlib.contextmanager
def _staged(task: Network, directory: pathlib.Path, name: str) -> Iterator[pathlib.Path]:
    """Writes and checks a SavedModel in a hidden folder, which is removed afterwards."""
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}-", dir=directory))
    try:
        # The copy has no optimizer, no compiled functions, and no variables on several devices.
        task = ema.clone(task)
        _write(task, temporary / "model", directory / name)
        verify(temporary / "model", task)
        yield temporary / "model"
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(task: Network, folder: pathlib.Path, model: pathlib.Path) -> None:
    declared = signatures(task)
    module = tf.Module()
    # A restored graph needs plain variables only, and no Keras objects.
    module.model_variables = [variable.value for variable in task.variables]
    traced = {name: signature.trace() for name, signature in declared.items()}
    tf.saved_model.save(module, str(folder), signatures=traced)
    write_warmup(folder, model.name, check_requests(task, declared))
    write_card(folder, task, declared, model)


def _publish(staged: pathlib.Path, model: pathlib.Path) -> pathlib.Path:
    """Renames a SavedModel to the next version of a model."""
    model.mkdir(exist_ok=True)
    while True:
        latest = max((int(p.name) for p in model.iterdir() if p.name.isdigit()), default=0)
        version = model / str(latest + 1)
        try:
            return staged.rename(version)
        except OSError as error:
            # Another export may have published the same version meanwhile.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
