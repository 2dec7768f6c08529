"""Latents of seeds, and interpolation between latents."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.latents import as_seed, interpolate_latents, latents_from_seeds

GOLDEN_NORMAL = [[-1.6970340, -0.4813767, -0.6622369], [-0.6741728, -0.3586926, -1.8795817]]
GOLDEN_UNIFORM = [[-0.5779691, 0.4120200, 0.6001267], [0.4941576, 0.3443604, -0.8844409]]


def test_latents_belong_to_their_seed():
    seeds = tf.constant([5, -3, 2**62], tf.int64)
    together = latents_from_seeds(seeds, 7)
    alone = latents_from_seeds(seeds[2:], 7)
    np.testing.assert_array_equal(together[2], alone[0])
    assert np.abs(together[0] - together[1]).max() > 0.1
    assert latents_from_seeds(seeds[:0], 7).shape == (0, 7)


def test_latents_never_change():
    seeds = tf.constant([0, 7], tf.int64)
    normal = latents_from_seeds(seeds, 3)
    uniform = latents_from_seeds(seeds, 3, "uniform")
    np.testing.assert_allclose(normal, GOLDEN_NORMAL, atol=1e-5)
    np.testing.assert_allclose(uniform, GOLDEN_UNIFORM, atol=1e-6)


def test_latents_follow_their_prior():
    seeds = tf.range(400, dtype=tf.int64)
    normal = latents_from_seeds(seeds, 50).numpy()
    uniform = latents_from_seeds(seeds, 50, "uniform").numpy()
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert uniform.min() < -0.99 and uniform.max() > 0.99 and abs(uniform.mean()) < 0.02
    assert np.abs(uniform).max() <= 1.0
    with pytest.raises(ValueError, match="kind"):
        latents_from_seeds(seeds, 50, "cauchy")


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


@pytest.mark.parametrize(
    "seed",
    [
        7,
        np.int8(7),
        np.uint64(7),
        np.array(7),
        tf.constant(7),
        tf.constant(7, tf.uint8),
        tf.Variable(7, dtype=tf.int64),
        keras.Variable(7, dtype="int32"),
    ],
    ids=repr,
)
def test_integers_of_all_libraries_are_seeds(seed):
    assert as_seed(seed) == 7 and type(as_seed(seed)) is int


def test_seeds_cover_all_non_negative_numbers_of_63_bits():
    assert as_seed(0) == 0 and as_seed(np.uint64(2**63 - 1)) == 2**63 - 1
    assert as_seed(2**63 - 4, count=4) == 2**63 - 4
    with pytest.raises(ValueError, match=r"`seed_a` must be .* 2\*\*63 - 4 .*received"):
        as_seed(2**63 - 3, name="seed_a", count=4)


@pytest.mark.parametrize(
    "seed",
    [
        3.7,
        3.0,
        np.float32(3),
        tf.constant(3.0),
        True,
        np.bool_(True),
        tf.constant(True),
        "3",
        b"3",
        None,
        [3],
        np.array([3]),
        tf.constant([3]),
        -1,
        np.int64(-1),
        2**63,
        np.uint64(2**63),
        10**30,
        float("nan"),
        3 + 0j,
        np.datetime64(3, "s"),
        slice(3),
        list(range(10_000)),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_other_values_are_refused_with_the_value_and_the_range(seed):
    with pytest.raises(ValueError, match=r"`seed` must be an integer from 0 to 2\*\*63 - 1, rec"):
        as_seed(seed)


def test_a_tensor_of_a_graph_is_refused_as_a_seed():
    @tf.function
    def draw(seed: tf.Tensor) -> tf.Tensor:
        return tf.constant(as_seed(seed))

    with pytest.raises(ValueError, match="`seed` must be an integer"):
        draw(tf.constant(3))
