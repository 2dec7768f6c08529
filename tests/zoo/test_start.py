"""The scale of untrained networks: features and logits, images and scores."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.networks import NETWORKS, make_critic, make_features, make_generator
from zoo.tasks import ImageClassifier

SIZES = {"clsgan": (8, 28, 32), "clsgan_released": (32, 48), "residual": (8, 28, 32)}
FEATURES = [
    (name, normalization, size)
    for name, family in NETWORKS.items()
    if family.features
    for normalization in ("batch", "layer", "none")
    for size in SIZES[name]
]


def uniform(shape, count=32):
    return tf.random.stateless_uniform((count, *shape), (0, 1), -1.0, 1.0)


@pytest.mark.parametrize(("name", "normalization", "size"), FEATURES)
def test_features_and_logits_of_a_classifier_have_a_usual_scale(name, normalization, size):
    """Weights made for batch normalisation would start at 1e-4 without it."""
    keras.utils.set_random_seed(0)
    shape = (size, size, 3)
    features = make_features(name, image_shape=shape, filters=16, normalization=normalization)
    classifier = ImageClassifier(features, 10)
    for images in (uniform(shape), tf.image.resize(uniform((4, 4, 3)), (size, size))):
        for values in (features(images, training=True), classifier(images, training=True)):
            assert 0.05 < np.std(values) < 5.0


# The published initialisers of generators and critics. Those of DCGAN, of the scene network and of
# the character network are made for normalisation: without it, images and scores start small.
GANS = [
    ("dcgan", (8, 8, 1), "batch", 0.1, 5e-3),
    ("dcgan", (8, 8, 1), "none", 8e-3, 6e-3),
    ("dcgan", (32, 32, 3), "batch", 0.055, 0.26),
    ("dcgan", (32, 32, 3), "layer", 0.054, 0.25),
    ("dcgan", (32, 32, 3), "none", 3.5e-5, 6e-4),
    ("resnet", (32, 32, 3), "none", 0.4, 0.045),
    ("mlp", (8, 8, 1), "none", 0.54, 0.4),
    ("scene", (64, 64, 1), "batch", 0.068, 0.35),
    ("scene", (64, 64, 1), "none", 5e-9, 1.9e-4),
    ("characters", (28, 28, 1), "batch", 0.065, 0.15),
    ("characters", (28, 28, 1), "none", 6e-4, 4e-4),
]


@pytest.mark.parametrize(("name", "shape", "normalization", "images", "scores"), GANS)
def test_scale_of_untrained_generators_and_critics(name, shape, normalization, images, scores):
    """Documents the published initialisers; the values are rounded, the bounds a factor of 3."""
    keras.utils.set_random_seed(0)
    generator = make_generator(
        name, image_shape=shape, latent_dim=16, filters=16, normalization=normalization
    )
    latents = tf.random.stateless_normal((32, 16), (0, 0))
    found = np.std(generator(latents, training=True))
    assert images / 3 < found < images * 3
    labels = {"num_classes": 3, "label_dim": 4} if name == "characters" else {}
    critic = make_critic(name, image_shape=shape, filters=8, normalization=normalization, **labels)
    inputs = uniform(shape)
    found = np.std(
        critic({"images": inputs, "label": tf.range(32) % 3} if labels else inputs, training=True)
    )
    assert scores / 3 < found < scores * 3
