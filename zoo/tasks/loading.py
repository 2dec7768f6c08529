"""Loading a preset without knowing what it holds."""

import os

from zoo.presets.read import read
from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator
from zoo.tasks.task import Task

_CLASSES: dict[str | None, type[Task]] = {
    "ImageClassifier": ImageClassifier,
    "ImageGenerator": ImageGenerator,
}


def from_preset(
    handle: str | os.PathLike, *, load_weights: bool = True, dtype: object = None
) -> Task:
    """Loads the task that a preset holds.

    Args:
        handle: a built-in name (see `zoo.list_presets`) or a folder.
        load_weights: bool, False for random weights.
        dtype: a dtype policy or its name, None for the saved one.

    Returns:
        An `ImageClassifier` or an `ImageGenerator`.

    Raises:
        ValueError: no preset, a damaged or hostile one, or one of a network alone.
        FileNotFoundError: its weights are missing.
    """
    preset = read(handle)
    task = _CLASSES.get(preset.task)
    if task is None:
        raise ValueError(
            f"The preset {handle!s} holds a network alone ({preset.network['class_name']}) and no "
            f"task. Load it with zoo.load_network({str(handle)!r})."
        )
    # The folder, so that nothing is fetched twice.
    return task.from_preset(preset.folder, load_weights=load_weights, dtype=dtype)
