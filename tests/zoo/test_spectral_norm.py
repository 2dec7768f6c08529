"""Spectral normalisation, compared with the singular values that numpy computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers.spectral_norm import SpectralNormalization
from zoo.networks import DCGANCritic
from zoo.networks.spectral import SpectralCritic


def largest_singular_value(kernel):
    kernel = np.asarray(kernel)
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: keras.layers.Dense(4, use_bias=False), (1, 6)),
        (lambda: keras.layers.Conv2D(5, 3, use_bias=False), (1, 3, 3, 2)),
    ],
    ids=["dense", "convolution"],
)
def test_output_uses_the_normalised_kernel_and_the_raw_kernel_is_unchanged(make, shape):
    layer = make()
    wrapped = SpectralNormalization(layer)
    inputs = tf.random.stateless_normal(shape, (1, 2))
    wrapped(inputs)
    raw = np.array(layer.kernel)
    for _ in range(100):
        outputs = wrapped(inputs, training=True)
    np.testing.assert_array_equal(raw, layer.kernel)
    np.testing.assert_allclose(outputs, layer(inputs) / largest_singular_value(raw), rtol=1e-4)


def test_only_training_moves_the_direction():
    wrapped = SpectralNormalization(keras.layers.Dense(4))
    inputs = tf.ones((1, 6))
    wrapped(inputs)
    before = np.array(wrapped.directions[0])
    first, second = wrapped(inputs), wrapped(inputs)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before, wrapped.directions[0])
    wrapped(inputs, training=True)
    assert np.abs(before - np.array(wrapped.directions[0])).max() > 0


def test_gradient_flows_through_the_norm():
    """W / sigma is invariant to the scale of W, so the gradient is orthogonal to W."""
    layer = keras.layers.Dense(4, use_bias=False)
    wrapped = SpectralNormalization(layer)
    inputs = tf.random.stateless_normal((3, 6), (1, 2))
    wrapped(inputs)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(wrapped(inputs)))
    gradient = tape.gradient(loss, layer.kernel.value).numpy()
    assert np.abs(gradient).max() > 1e-2
    assert abs((gradient * np.array(layer.kernel)).sum()) < 1e-4


def test_a_critic_with_batch_norms_updates_statistics_and_restores_from_its_configuration():
    critic = SpectralCritic(DCGANCritic((16, 16, 1), filters=4, normalization="batch"))
    kernels = critic.normalised.kernels()
    assert len(kernels) == 3 and len(critic.trainable_variables) == 5
    before = [np.array(v) for v in critic.network.non_trainable_variables]
    images = tf.random.stateless_normal((4, 16, 16, 1), (1, 2))
    scores = critic(images, training=True)
    assert scores.shape == (4,)
    moved = [
        not np.array_equal(a, b)
        for a, b in zip(before, critic.network.non_trainable_variables, strict=True)
    ]
    assert all(moved)
    twin = SpectralCritic.from_config(critic.get_config())
    twin.set_weights(critic.get_weights())
    np.testing.assert_array_equal(twin(images), critic(images))


def test_a_layer_without_kernel_is_refused():
    with pytest.raises(ValueError, match="no kernel"):
        SpectralNormalization(keras.layers.ReLU())(tf.ones((1, 2)))
