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


def dense_with(kernel):
    """A wrapped dense layer without bias, with a given kernel and the direction (1, 0, 0, 0)."""
    layer = keras.layers.Dense(4, use_bias=False)
    wrapped = SpectralNormalization(layer)
    wrapped.build((None, 6))
    layer.kernel.assign(kernel)
    wrapped.directions[0].assign([1.0, 0.0, 0.0, 0.0])
    return wrapped


KERNEL = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
INPUTS = tf.random.stateless_normal((3, 6), (1, 2))


@pytest.mark.parametrize("scale", [1e-9, 1e-6, 1e-3, 1e8, 1e25])
def test_the_size_of_a_kernel_does_not_matter(scale):
    outputs = []
    for kernel in (KERNEL, scale * KERNEL):
        wrapped = dense_with(kernel)
        for _ in range(50):
            values = wrapped(INPUTS, training=True)
        outputs.append(values)
        assert np.linalg.norm(wrapped.directions[0]) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-6)
    normalised = KERNEL / largest_singular_value(KERNEL)
    np.testing.assert_allclose(outputs[1], INPUTS @ normalised, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e-30])
def test_a_zero_kernel_keeps_its_direction_and_has_a_bounded_gradient(scale):
    wrapped = dense_with(scale * KERNEL)
    with tf.GradientTape() as tape:
        outputs = wrapped(INPUTS, training=True)
        total = tf.reduce_sum(outputs)
    gradient = tape.gradient(total, wrapped.layer.kernel.value)
    np.testing.assert_allclose(outputs, np.zeros((3, 4)), atol=1e-10)
    # The kernel is not divided: the slope of `sum(x W)` by row i of W is `sum x_i`.
    expected = np.repeat(np.sum(INPUTS, axis=0)[:, None], 4, axis=1)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    np.testing.assert_array_equal(wrapped.directions[0], [1.0, 0.0, 0.0, 0.0])
    wrapped.layer.kernel.assign(KERNEL)
    for _ in range(50):
        outputs = wrapped(INPUTS, training=True)
    np.testing.assert_allclose(
        outputs, INPUTS @ KERNEL / largest_singular_value(KERNEL), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("direction", [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
def test_a_lost_direction_is_found_again(direction):
    """A direction of zeros, as earlier versions stored it, and one that the kernel maps to zero."""
    kernel = KERNEL * [1.0, 1.0, 1.0, 0.0]
    wrapped = dense_with(kernel)
    wrapped.directions[0].assign(direction)
    outputs = wrapped(INPUTS, training=True)
    # One step from the longest row; sigma is never larger than the largest singular value.
    assert np.linalg.norm(wrapped.directions[0]) == pytest.approx(1.0, rel=1e-5)
    assert np.abs(outputs).max() < 2 * np.abs(INPUTS @ kernel).max() / largest_singular_value(
        kernel
    )
    for _ in range(50):
        outputs = wrapped(INPUTS, training=True)
    np.testing.assert_allclose(
        outputs, INPUTS @ kernel / largest_singular_value(kernel), rtol=1e-4, atol=1e-6
    )


def test_a_kernel_of_zero_trains_under_float16():
    layer = keras.layers.Dense(4, use_bias=False, dtype="mixed_float16")
    wrapped = SpectralNormalization(layer)
    wrapped.build((None, 6))
    for scale in (0.0, 1e-7, 1e-5, 1e-3):
        layer.kernel.assign(scale * KERNEL)
        with tf.GradientTape() as tape:
            outputs = tf.cast(wrapped(INPUTS, training=True), tf.float32)
        assert np.isfinite(outputs).all() and np.abs(outputs).max() < 20.0
        assert np.isfinite(tape.gradient(outputs, layer.kernel.value)).all()
