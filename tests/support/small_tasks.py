"""Small classifiers and generators with weights that make outputs differ from each other."""

import numpy as np

from tests.support.random_weights import randomize
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.tasks import ImageClassifier, ImageGenerator

SHAPE = (8, 8, 3)
CLASSES = 4


def make_classifier(shape=SHAPE, num_classes=CLASSES, dtype=None, **options):
    return randomize(
        ImageClassifier(CLSGANFeatures(shape, filters=3, dtype=dtype), num_classes, **options)
    )


def make_generator(num_classes=0, latent="normal", dtype=None):
    network = DCGANGenerator(
        SHAPE, latent_dim=6, base_filters=4, latent=latent, num_classes=num_classes, dtype=dtype
    )
    return randomize(ImageGenerator(network))


def raw(n=5, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype="uint8")
