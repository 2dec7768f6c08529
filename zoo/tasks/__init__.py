"""Tasks: what is deployed. A network, with raw uint8 images or class names at its border."""

from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator
from zoo.tasks.loading import from_preset
from zoo.tasks.task import Task

__all__ = ["ImageClassifier", "ImageGenerator", "Task", "from_preset"]
