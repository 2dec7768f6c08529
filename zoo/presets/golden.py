"""Golden outputs: outputs of a trained task for fixed inputs, stored to detect any change."""

import numpy as np
import tensorflow as tf

from zoo.latents import latents_from_seeds
from zoo.tasks.image_classifier import ImageClassifier
from zoo.tasks.image_generator import ImageGenerator

TOLERANCE = 1e-4
_IMAGES = 8
_SEEDS = 4
_BLOCKS = 4


def golden_outputs(task: ImageClassifier | ImageGenerator) -> np.ndarray:
    """Computes a task's outputs for fixed inputs, which are computed and not read from a file.

    Args:
        task: a trained task.

    Returns:
        For a generator, the float32 images `[4, height, width, channels]` of seeds 0 to 3, with
        image i of class `i % K`. For a classifier, the float32 probabilities `[8, K]` of eight
        images of random blocks.
    """
    if isinstance(task, ImageGenerator):
        return _generator_outputs(task)
    return _classifier_outputs(task)


def _generator_outputs(generator: ImageGenerator) -> np.ndarray:
    seeds = tf.range(_SEEDS, dtype=tf.int64)
    latents = latents_from_seeds(seeds, generator.latent_dim, generator.network.latent)
    labels = generator.check_labels(_SEEDS, None)
    classes = None if labels is None else tf.constant(labels)
    return generator.images_from_latents(latents, classes).numpy()


def _classifier_outputs(classifier: ImageClassifier) -> np.ndarray:
    height, width, channels = classifier.image_shape
    random = np.random.Generator(np.random.PCG64(0))
    shape = (_IMAGES, _BLOCKS, _BLOCKS, channels)
    blocks = random.integers(0, 256, shape, dtype="uint8")
    rows = np.arange(height) * _BLOCKS // height
    columns = np.arange(width) * _BLOCKS // width
    return classifier.predict(blocks[:, rows][:, :, columns])
