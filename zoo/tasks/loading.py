"""Loading the task of a preset, whichever it is."""

from zoo.presets.read import Handle, network_only_message, read
from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator
from zoo.tasks.task import Task

_CLASSES: dict[str | None, type[Task]] = {
    "ImageClassifier": ImageClassifier,
    "ImageGenerator": ImageGenerator,
}


def from_preset(handle: Handle, *, load_weights: bool = True, dtype: object = None) -> Task:
    """Loads the task of a preset.

    Args:
        handle: a built-in name (see `zoo.list_presets`), a folder, or an address such as
            `hf://ORG/MODEL`.
        load_weights: bool, False for random weights.
        dtype: a dtype policy or its name (`"mixed_bfloat16"`); None for the saved one.

    Returns:
        An `ImageClassifier` or an `ImageGenerator`.

    Raises:
        ValueError: there is no preset, it is damaged, unsafe or of another format, or it holds a
            network without a task.
        FileNotFoundError: the weights are missing.

    Example:
    >>> import zoo
    >>> generator = zoo.from_preset(next(iter(zoo.list_presets("ImageGenerator"))))
    >>> generator.generate(2, seed=0).dtype
    dtype('uint8')
    """
    preset = read(handle)
    task = _CLASSES.get(preset.task)
    if task is None:
        raise ValueError(network_only_message(preset, "task"))
    return task.from_preset(preset, load_weights=load_weights, dtype=dtype)
