"""Noise depends on (seed, stream, step, global index) and nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import StatelessDropout
from zoo.randomness import Noise, current_noise


def rows(start: int, stop: int, *, seed: int = 0, step: int = 3) -> Noise:
    return Noise(seed, step, tf.range(start, stop, dtype=tf.int64))


@pytest.mark.parametrize(
    "draw", [lambda n: n.normal(5), lambda n: n.uniform(3, 2), lambda n: n.classes(7)]
)
def test_a_replica_draws_its_own_rows_of_the_global_draw(draw):
    whole = draw(rows(0, 9)).numpy()
    np.testing.assert_array_equal(draw(rows(4, 9)).numpy(), whole[4:])
    np.testing.assert_array_equal(draw(rows(0, 4)).numpy(), whole[:4])
    assert draw(rows(0, 0)).shape[0] == 0


def test_seed_stream_and_step_each_change_the_draw():
    base = rows(0, 4).normal(8).numpy()
    for other in (rows(0, 4, seed=1), rows(0, 4, step=4), rows(0, 4).child("x")):
        assert np.abs(other.normal(8).numpy() - base).min() > 1e-6
    np.testing.assert_array_equal(rows(0, 4).normal(8).numpy(), base)


def test_moments_and_ranges():
    normal = rows(0, 4000).normal(50).numpy()
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01
    uniform = rows(0, 4000).uniform(50, low=-1.0).numpy()
    assert uniform.min() >= -1 and uniform.max() < 1 and abs(uniform.mean()) < 0.01
    counts = np.bincount(rows(0, 7000).classes(7).numpy(), minlength=7)
    assert counts.shape == (7,) and np.abs(counts - 1000).max() < 150


def test_neighbouring_rows_are_not_correlated():
    normal = rows(0, 2000).normal(64).numpy()
    correlation = np.mean(normal[1:] * normal[:-1])
    assert abs(correlation) < 0.02


def test_dropout_mask_follows_the_sample_and_the_scope():
    layer = StatelessDropout(0.5, name="drop")
    x = tf.ones((6, 10))
    with rows(0, 6).scope():
        whole = layer(x, training=True).numpy()
    with rows(2, 6).scope():
        np.testing.assert_array_equal(layer(x[2:], training=True).numpy(), whole[2:])
    assert set(np.unique(whole)) == {0.0, 2.0}
    with rows(0, 6).child("other").scope():
        assert (layer(x, training=True).numpy() != whole).any()
    np.testing.assert_array_equal(layer(x, training=False), x)
    assert current_noise() is None


def test_dropout_rejects_a_rate_of_one():
    with pytest.raises(ValueError, match="rate"):
        StatelessDropout(1.0)


def test_a_compiled_step_draws_the_same():
    """XLA converts random bits to floats differently; the zoo's noise must not depend on it."""

    def draw():
        return rows(0, 4).normal(9), rows(0, 4).uniform(3, 2), rows(0, 4).classes(5)

    for left, right in zip(draw(), tf.function(draw, jit_compile=True)(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)
