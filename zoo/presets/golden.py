"""Golden outputs: what a trained task gives for fixed inputs, kept to notice any change."""

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from zoo.latents import latents_from_seeds

if TYPE_CHECKING:
    from zoo.tasks import ImageClassifier, ImageGenerator, Task

TOLERANCE = 1e-4
_IMAGES = 8
_SEEDS = 4
_BLOCKS = 4


def golden_outputs(task: "Task") -> np.ndarray:
    """Computes a task's outputs for fixed inputs, which need no file.

    A generator gives the float images `[4, height, width, channels]` of seeds 0 to 3 (classes 0 to
    3 where there are as many), a classifier the probabilities `[8, K]` of images of random blocks.
    """
    if hasattr(task, "latent_dim"):
        return _generated(task)
    return _classified(task)


def _generated(generator: "ImageGenerator") -> np.ndarray:
    seeds = tf.range(_SEEDS, dtype=tf.int64)
    latents = latents_from_seeds(seeds, generator.latent_dim, generator.network.latent)
    labels = generator.check_labels(_SEEDS, None)
    classes = None if labels is None else tf.constant(labels)
    return generator.images_from_latents(latents, classes).numpy()


def _classified(classifier: "ImageClassifier") -> np.ndarray:
    height, width, channels = classifier.image_shape
    random = np.random.Generator(np.random.PCG64(0))
    shape = (_IMAGES, _BLOCKS, _BLOCKS, channels)
    blocks = random.integers(0, 256, shape, dtype="uint8")
    rows = np.arange(height) * _BLOCKS // height
    columns = np.arange(width) * _BLOCKS // width
    return classifier.predict(blocks[:, rows][:, :, columns])
