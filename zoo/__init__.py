"""The Lipschitz GAN Zoo: LS-GAN, GLS-GAN, CLS-GAN, LGAN and their kin for TensorFlow and Keras 3.

Example:
>>> import zoo
>>> classifier = zoo.ImageClassifier.from_preset("runs/my_run/preset")
>>> classifier.predict(images)  # uint8 [N, H, W, C] -> probabilities [N, K]
"""

from zoo.presets import list_presets, load_network, save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator, Task, from_preset

__all__ = [
    "ImageClassifier",
    "ImageGenerator",
    "Task",
    "from_preset",
    "list_presets",
    "load_network",
    "save_bundle",
]
