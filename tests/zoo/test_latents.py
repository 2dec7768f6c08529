"""The way from one latent to another."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.latents import interpolate_latents, latents_from_seeds


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_arrays_and_tensors_give_the_same_tensor(kind):
    start, end = np.split(latents_from_seeds(tf.range(6, dtype=tf.int64), 40, kind).numpy(), 2)
    fraction = np.array([0.0, 0.5, 1.0], "float32")
    way = interpolate_latents(start, end, fraction, kind)
    assert tf.is_tensor(way)
    np.testing.assert_array_equal(
        way, interpolate_latents(*map(tf.constant, (start, end, fraction)), kind)
    )
    np.testing.assert_allclose(way[0], start[0], atol=1e-6)
    np.testing.assert_allclose(way[2], end[2], atol=1e-6)


def test_half_way_a_normal_latent_keeps_its_length_and_a_uniform_one_is_the_mean():
    start, end = tf.constant([[3.0, 0.0]]), tf.constant([[0.0, 3.0]])
    half = tf.constant([0.5])
    assert float(tf.norm(interpolate_latents(start, end, half, "normal"))) == pytest.approx(3.0)
    np.testing.assert_allclose(interpolate_latents(start, end, half, "uniform"), [[1.5, 1.5]])
