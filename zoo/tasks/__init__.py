"""Tasks: deployable models, which wrap a network and take or return raw images and class names."""

from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator
from zoo.tasks.loading import from_preset
from zoo.tasks.task import Task

__all__ = ["ImageClassifier", "ImageGenerator", "Task", "from_preset"]
