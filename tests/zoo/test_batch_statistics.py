"""Moving statistics of batch normalisation: real images count, generated images do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import CLASSES, SHAPE
from tests.support.devices import replicas
from zoo.batch_statistics import moving_statistics, unchanged_statistics
from zoo.models import ConditionalLossSensitiveGAN, HingeGAN
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.networks.spectral import SpectralCritic
from zoo.tasks import ImageClassifier

STEPS = 60
LARGER = (16, 16, 1)
"""Size at which the critic of DCGAN has batch normalisations."""


def zero_generator(num_classes=0, shape=SHAPE):
    """A generator whose images are 0 everywhere."""
    generator = DCGANGenerator(shape, latent_dim=2, base_filters=4, num_classes=num_classes)
    for variable in generator.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    return generator


def mean_of_pixels(critic):
    """Makes the first convolution of a critic copy its input into every channel."""
    kernel = next(v for v in critic.trainable_variables if "kernel" in v.path)
    value = np.zeros(kernel.shape, "float32")
    value[value.shape[0] // 2, value.shape[1] // 2] = 1.0
    kernel.assign(value)
    return critic


def fit(model, streams):
    batches = tf.data.Dataset.from_tensors(streams).repeat(STEPS)
    model.fit(batches, shuffle=False, verbose=0)


def constant(value):
    return np.full((4, *SHAPE), value, "float32")


def cls_gan(strategy, **options):
    with strategy.scope():
        features = CLSGANFeatures(SHAPE, filters=4, normalization="batch")
        critic = mean_of_pixels(ImageClassifier(features, len(CLASSES)))
        model = ConditionalLossSensitiveGAN.from_arguments(
            zero_generator(len(CLASSES)), critic, options
        )
        model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    return model


@pytest.mark.parametrize("mode", ["graph", "XLA", "two replicas"])
def test_labelled_images_of_mean_08_and_fakes_of_mean_0_leave_08(mode):
    model = cls_gan(replicas(2 if mode == "two replicas" else 1), semi_supervised=False)
    model.jit_compile = mode == "XLA"
    fit(model, {"labelled": {"images": constant(0.8), "labels": np.arange(4) % 3}})
    norm = model.critic.network.norms[0]
    np.testing.assert_allclose(norm.moving_mean, 0.8 * (1 - 0.9**STEPS), rtol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, 0.9**STEPS, rtol=1e-3, atol=1e-6)


def test_both_groups_of_real_images_count():
    """The last of the two is unlabelled: (0.09 * 0.8 + 0.1 * 0.4) / 0.19."""
    model = cls_gan(replicas(1), ema=0.9)
    labelled = {"images": constant(0.8), "labels": np.arange(4) % 3}
    fit(model, {"labelled": labelled, "unlabelled": {"images": constant(0.4)}})
    for classifier in (model.critic, model.classifier):
        np.testing.assert_allclose(classifier.network.norms[0].moving_mean, 0.112 / 0.19, rtol=1e-4)


def test_the_critic_of_a_gan_keeps_the_statistics_of_real_images():
    """The moving mean is that of passes over the real images alone."""
    critic = DCGANCritic(LARGER, filters=4, normalization="batch")
    model = HingeGAN(zero_generator(shape=LARGER), critic)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    mean = moving_statistics(critic)[0]
    images = tf.random.stateless_normal((4, *LARGER), (0, 1), stddev=0.3)
    fit(model, {"real": {"images": images}})
    trained = np.array(mean)
    mean.assign(tf.zeros_like(mean))
    for _ in range(STEPS):
        critic(images, training=True)
    np.testing.assert_allclose(trained, mean, rtol=1e-4, atol=1e-7)
    assert np.abs(trained).max() > 0.0


def test_spectral_vectors_move_while_statistics_stay():
    critic = SpectralCritic(DCGANCritic(LARGER, filters=4, normalization="batch"))
    statistics = {id(variable) for variable in moving_statistics(critic)}
    assert statistics
    others = [v for v in critic.non_trainable_variables if id(v) not in statistics]
    images = tf.random.stateless_normal((4, *LARGER), (0, 1))
    before = [np.array(v) for v in moving_statistics(critic)]
    vectors = [np.array(v) for v in others]

    @tf.function
    def score(images):
        with unchanged_statistics(critic):
            critic(images, training=True)
            return critic(images, training=True)

    score(images)
    for variable, value in zip(moving_statistics(critic), before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert all(np.abs(v - value).max() > 0 for v, value in zip(others, vectors, strict=True))
