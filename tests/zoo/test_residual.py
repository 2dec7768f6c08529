"""The residual feature network: its shape, its pooling, and what other parts of the zoo need."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.networks import ResidualFeatures, make_features, residual
from zoo.networks.residual import halve
from zoo.rematerialisation import rematerialising
from zoo.tasks import ImageClassifier


def images(size, channels=3, count=4):
    return tf.random.stateless_uniform((count, size, size, channels), (0, 1), -1.0, 1.0)


def gradients(network, x, *, jit=False, again=False):
    @tf.function(jit_compile=jit)
    def compute(x):
        with rematerialising(again), tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(network(x, training=True), tf.float32) ** 2)
        return tape.gradient(loss, [variable.value for variable in network.trainable_variables])

    return compute(x)


def test_parameters_are_the_sources():
    """Page's network: 3x3 convolutions 3 w, 2 w^2, 2 (4 w^2), 8 w^2, 32 w^2, 2 (64 w^2), norms."""
    w = 64
    network = ResidualFeatures((32, 32, 3))
    kernels = 9 * (3 * w + (2 + 4 + 4 + 8 + 32 + 64 + 64) * w * w)
    norms = 2 * (1 + 2 + 2 + 2 + 4 + 8 + 8 + 8) * w
    assert sum(int(np.prod(v.shape)) for v in network.trainable_variables) == kernels + norms
    assert (network.norms[0].momentum, network.norms[0].epsilon) == (0.9, 1e-5)
    assert network(images(32)).shape == (4, 1, 1, 8 * w)


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        (8, [4]),
        (9, [5]),
        (12, [6]),
        (13, [7, 4]),
        (28, [14, 7, 4]),
        (30, [15, 8, 4]),
        (32, [16, 8, 4]),
        (64, [32, 16, 8]),
    ],
)
def test_a_map_is_halved_if_four_pixels_remain(size, sides, monkeypatch):
    found = []

    def recorded(x):
        found.append(halve(x).shape[1])
        return halve(x)

    monkeypatch.setattr(residual, "halve", recorded)
    network = ResidualFeatures((size, size, 1), filters=1)
    found.clear()
    assert network(images(size, 1)).shape == (4, 1, 1, 8)
    assert found == sides


@pytest.mark.parametrize("size", [4, 5, 8, 9])
def test_halving_is_max_pooling(size):
    x = images(size)
    pool = keras.layers.MaxPooling2D(2, padding="same")
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        left, right = (tf.reduce_sum(halved(x) ** 2) for halved in (halve, pool))
    np.testing.assert_array_equal(halve(x), pool(x))
    np.testing.assert_allclose(tape.gradient(left, x), tape.gradient(right, x), rtol=1e-6)


def test_output_worked_by_hand():
    """Centre taps of 1 copy the image: 1 pair adds it once, 2 pairs make 4 times the maximum."""
    network = ResidualFeatures((8, 8, 1), filters=1, normalization="none")
    for convolution in network.convolutions:
        kernel = np.zeros(convolution.kernel.shape, "float32")
        kernel[1, 1, 0, :] = 1.0
        convolution.kernel.assign(kernel)
    x = tf.abs(images(8, 1))
    expected = 4.0 * np.max(x, axis=(1, 2)) / 8.0
    np.testing.assert_allclose(network(x)[:, 0, 0], np.repeat(expected, 8, axis=1), rtol=1e-6)
    # LeakyReLU(0.1) follows each of eight convolutions, and a pair adds its input.
    scale = 0.1**2 * (1 + 0.1**2) * 0.1**2 * (1 + 0.1**2)
    expected = scale * np.max(-x, axis=(1, 2)) / 8.0
    np.testing.assert_allclose(network(-x)[:, 0, 0], np.repeat(expected, 8, axis=1), rtol=1e-5)


def test_dropout_is_before_the_class_layer_and_in_training_only():
    network = ResidualFeatures((8, 8, 3), filters=2, dropout=0.5)
    twin = ResidualFeatures((8, 8, 3), filters=2)
    twin.set_weights(network.get_weights())
    x = images(8)
    np.testing.assert_array_equal(network(x), twin(x))
    dropped, whole = network(x, training=True).numpy(), twin(x, training=True).numpy()
    kept = dropped != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2.0 * whole[kept], rtol=1e-5)


@pytest.mark.parametrize("normalization", ["batch", "none"])
@pytest.mark.parametrize("how", ["xla", "rematerialised"])
def test_gradients_do_not_depend_on_the_execution(normalization, how):
    network = ResidualFeatures((9, 9, 3), filters=2, normalization=normalization)
    plain = gradients(network, images(9))
    other = gradients(network, images(9), jit=how == "xla", again=how == "rematerialised")
    for left, right in zip(plain, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=1e-5)
        assert np.abs(left).max() > 0


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_low_precision_is_near_float32(dtype):
    plain = ResidualFeatures((8, 8, 3), filters=2)
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(dtype)
        half = ResidualFeatures((8, 8, 3), filters=2)
    finally:
        keras.config.set_dtype_policy(policy)
    half.set_weights(plain.get_weights())
    assert half(images(8)).dtype == half.compute_dtype != "float32"
    assert all(variable.dtype == "float32" for variable in half.variables)
    np.testing.assert_allclose(
        tf.cast(half(images(8)), tf.float32), plain(images(8)), rtol=0.1, atol=0.02
    )


def test_preset_holds_the_network(tmp_path):
    features = make_features("residual", image_shape=(9, 9, 1), filters=2, dropout=0.25)
    classifier = ImageClassifier(features, 3)
    classifier.save_to_preset(tmp_path / "preset")
    loaded = ImageClassifier.from_preset(tmp_path / "preset")
    assert loaded.network.get_config() == classifier.network.get_config()
    raw = np.random.default_rng(0).integers(0, 256, (4, 9, 9, 1), dtype="uint8")
    np.testing.assert_array_equal(loaded.predict(raw), classifier.predict(raw))
