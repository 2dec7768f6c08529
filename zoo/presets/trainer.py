"""Presets of adversarial models: both networks, and the class and arguments to train them."""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from zoo.models import MODELS, AdversarialModel, ConditionalLossSensitiveGAN
from zoo.names import unknown_name
from zoo.penalties import PENALTIES, Penalty, make_penalty, penalty_options
from zoo.presets.handles import resolve
from zoo.presets.layout import TRAINER_FILE
from zoo.presets.read import Preset, load_network, read
from zoo.presets.safety import check_inside
from zoo.presets.write import save_bundle
from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator


def trainer_classes() -> dict[str, type[AdversarialModel]]:
    """Returns the classes that a `trainer.json` may name."""
    return {entry.model.__name__: entry.model for entry in MODELS.values()}


def save_trainer(
    model: AdversarialModel,
    directory: str | os.PathLike,
    *,
    class_names: Sequence[str] = (),
    metadata: Mapping[str, object] | None = None,
    dtype: str | None = None,
) -> str | pathlib.Path:
    """Writes an adversarial model as a preset, completely or not at all.

    The root is the network to deploy, with averaged weights: the generator, or the classifier of
    CLS-GAN. The other network is in a sub-folder (`critic/` or `generator/`), and `trainer.json`
    holds the class and its arguments. Optimizers are not stored: a preset is for further training,
    a checkpoint is for resuming.

    Args:
        model: an adversarial model of `zoo.models`.
        directory: the preset's folder or address; an earlier preset in it is replaced.
        class_names: names of the classes of a conditional generator, which `generate` then takes as
            labels; `"0"` to `"K-1"` by default. CLS-GAN has those of its classifier.
        metadata: JSON values to add to each metadata.json.
        dtype: as for `zoo.save_bundle`.

    Returns:
        The folder, or the address.

    Raises:
        ValueError: class names of another number than the classes of the generator.
        OSError: the preset cannot be written.
    """
    content = json.dumps(_trainer_config(model), indent=4) + "\n"

    def finish(folder: pathlib.Path) -> None:
        (folder / TRAINER_FILE).write_text(content, encoding="utf-8")

    if model.classifier is not None:
        class_names = model.classifier.class_names
    conditional = model.sampler.num_classes and class_names
    generator = ImageGenerator(model.sampler, class_names=class_names if conditional else None)
    if isinstance(model, ConditionalLossSensitiveGAN):
        root, parts = model.classifier, {"generator": generator}
    else:
        root, parts = generator, {"critic": model.critic}
    return save_bundle(
        directory, root=root, parts=parts, metadata=metadata, dtype=dtype, finish=finish
    )


def load_trainer(handle: str | os.PathLike) -> AdversarialModel:
    """Loads a model that `save_trainer` wrote, to train it further.

    Both networks start with the averaged weights.

    Args:
        handle: a built-in name, a folder or an address.

    Returns:
        The model; call `compile` with optimizers before training.

    Raises:
        ValueError: the preset does not exist or has no trainer, a network is missing, or a class or
            an argument is not one of `zoo.models`.

    Example:
    >>> model = load_trainer("runs/lsgan-digits/preset")  # doctest: +SKIP
    >>> model.compile(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(2e-4))  # doctest: +SKIP
    """
    path = resolve(handle) / TRAINER_FILE
    name, arguments, penalty = _read_config(path)
    known = trainer_classes()
    if name not in known:
        raise ValueError(f"{path}: {unknown_name('model', name, known)}")
    networks = _load_networks(known[name], read(handle))
    try:
        return known[name].from_arguments(*networks, arguments, penalty=penalty)
    except TypeError as error:
        raise ValueError(f"{path} does not fit {name}: {error}") from error


def _read_config(path: pathlib.Path) -> tuple[str, dict[str, Any], Penalty | None]:
    """Returns the name of the class, its arguments, and the penalty."""
    check_inside(path)
    if not path.is_file():
        raise ValueError(
            f"The preset {path.parent} has no {TRAINER_FILE}: it was not saved from a model in "
            "training. Load it with zoo.from_preset."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        name, arguments = str(config["class_name"]), dict(config["config"])
        stored = arguments.pop("penalty", None)
        penalty = None if stored is None else (str(stored["name"]), dict(stored["options"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return name, arguments, None if penalty is None else make_penalty(*penalty)


def _load_networks(cls: type[AdversarialModel], preset: Preset) -> tuple[keras.Model, keras.Model]:
    """Returns generator and critic."""
    if issubclass(cls, ConditionalLossSensitiveGAN):
        generator = load_network(preset.folder / "generator")
        return generator, ImageClassifier.from_preset(preset)
    return load_network(preset), load_network(preset.folder / "critic")


def _trainer_config(model: AdversarialModel) -> dict[str, Any]:
    arguments = model.get_arguments()
    if model.penalty is not None:
        arguments["penalty"] = _penalty_config(model.penalty)
    name = type(model).__name__
    return {"class_name": name, "registered_name": f"zoo>{name}", "config": arguments}


def _penalty_config(penalty: Penalty) -> dict[str, Any]:
    name = next(name for name, cls in PENALTIES.items() if cls is type(penalty))
    return {"name": name, "options": {key: getattr(penalty, key) for key in penalty_options(name)}}
