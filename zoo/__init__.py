"""The Lipschitz GAN Zoo: LS-GAN, GLS-GAN, CLS-GAN, LGAN and their kin for TensorFlow and Keras 3.

Example:
>>> import zoo
>>> classifier = zoo.ImageClassifier.from_preset("runs/my_run/preset")
>>> classifier.predict(images)  # uint8 [N, H, W, C] -> probabilities [N, K]
"""

import importlib
from typing import TYPE_CHECKING

from zoo.environment import check_keras

if TYPE_CHECKING:
    from zoo import models, networks, penalties
    from zoo.options import StepOptions
    from zoo.presets import list_presets, load_network, save_bundle
    from zoo.tasks import ImageClassifier, ImageGenerator, Task, from_preset

# TensorFlow reads its settings when it is imported, so the commands set them first
# (`zoo.environment`): the package itself imports nothing before a name is used.
_HOMES = {
    "ImageClassifier": "zoo.tasks",
    "ImageGenerator": "zoo.tasks",
    "StepOptions": "zoo.options",
    "Task": "zoo.tasks",
    "from_preset": "zoo.tasks",
    "list_presets": "zoo.presets",
    "load_network": "zoo.presets",
    "save_bundle": "zoo.presets",
}
_FOLDERS = ("models", "networks", "penalties")

__all__ = [
    "ImageClassifier",
    "ImageGenerator",
    "StepOptions",
    "Task",
    "from_preset",
    "list_presets",
    "load_network",
    "models",
    "networks",
    "penalties",
    "save_bundle",
]


def __getattr__(name: str) -> object:
    if name in _FOLDERS or name in _HOMES:
        check_keras()
    if name in _FOLDERS:
        return importlib.import_module(f"zoo.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
