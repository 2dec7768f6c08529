"""Objectives of scores: values and gradients worked by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from zoo.models import Classic, Hinge, Wasserstein
from zoo.models.examples import Examples
from zoo.models.lipschitz import PHIS
from zoo.models.margins import (
    elu_cost,
    hinge_argument,
    leaky_cost,
    margin,
    pairwise_margin,
)


def at(function, *scores):
    """Values and derivatives of a function of scores, sample by sample."""
    points = tf.constant(scores, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = function(points)
    return values.numpy(), tape.gradient(values, points).numpy()


def losses_of(objective):
    """The critic's losses of real and fake scores, and the generator's, as functions of scores."""

    def examples(scores):
        return Examples(None, scores=scores)

    def critic(player):
        return lambda c: objective.critic_losses(examples(c), examples(c))[f"critic_loss_{player}"]

    def generator(c):
        return objective.generator_losses(examples(c), examples(c))["generator_loss"]

    return critic("real"), critic("fake"), generator


def test_classic_losses_are_the_cross_entropies_of_the_logit():
    """sigmoid(ln 3) = 3/4: -log(3/4) with slope -1/4, and -log(1/4) with slope 3/4."""
    real_loss, fake_loss, generator_loss = losses_of(Classic())
    _, _, minimax = losses_of(Classic(saturating=True))
    assert at(generator_loss, 0.3)[1] == at(real_loss, 0.3)[1]
    assert at(minimax, 0.3)[1] == -at(fake_loss, 0.3)[1]
    values, slopes = at(real_loss, math.log(3), 0.0)
    np.testing.assert_allclose(values, [math.log(4 / 3), math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(slopes, [-0.25, -0.5], rtol=1e-6)
    values, slopes = at(fake_loss, math.log(3), 0.0)
    np.testing.assert_allclose(values, [math.log(4), math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(slopes, [0.75, 0.5], rtol=1e-6)


def test_classic_losses_stay_finite_and_keep_their_gradient_for_huge_scores():
    values, slopes = at(losses_of(Classic())[0], -200.0, 200.0)
    np.testing.assert_array_equal(values, [200.0, 0.0])
    np.testing.assert_array_equal(slopes, [-1.0, 0.0])


def test_wasserstein_losses():
    real_loss, fake_loss, generator_loss = losses_of(Wasserstein())
    assert [array.tolist() for array in at(real_loss, 2.0)] == [[-2.0], [-1.0]]
    assert [array.tolist() for array in at(fake_loss, 2.0)] == [[2.0], [1.0]]
    assert [array.tolist() for array in at(generator_loss, 2.0)] == [[-2.0], [-1.0]]


def test_hinge_losses_on_both_sides():
    real_loss, fake_loss, generator_loss = losses_of(Hinge())
    assert [array.tolist() for array in at(generator_loss, 2.0)] == [[-2.0], [-1.0]]
    values, slopes = at(real_loss, 0.25, 3.0)
    assert (values.tolist(), slopes.tolist()) == ([0.75, 0.0], [-1.0, 0.0])
    values, slopes = at(fake_loss, 0.25, -3.0)
    assert (values.tolist(), slopes.tolist()) == ([1.25, 0.0], [1.0, 0.0])


# phi, phi', varphi, varphi', psi, psi' at t = 3/4 (sqrt(t^2 + 1) = 5/4).
_E = math.exp(0.75)
BY_HAND = {
    "linear": (0.75, 1.0, -0.75, -1.0, -0.75, -1.0),
    "softplus": (
        math.log1p(_E),
        _E / (1 + _E),
        math.log1p(1 / _E),
        -1 / (1 + _E),
        -0.75,
        -1.0,
    ),
    "exp": (_E, _E, 1 / _E, -1 / _E, -0.75, -1.0),
    "sqrt": (2.0, 1.6, 0.5, -0.4, -0.75, -1.0),
    "square": (3.0625, 3.5, 0.0625, -0.5, 0.0625, -0.5),
    "hinge": (1.75, 1.0, 0.25, -1.0, -0.75, -1.0),
}


@pytest.mark.parametrize("name", PHIS)
def test_each_row_of_lgan(name):
    row = PHIS[name]
    functions = (row.phi, row.varphi, row.psi)
    found = [float(part[0]) for function in functions for part in at(function, 0.75)]
    assert found == pytest.approx(BY_HAND[name], rel=1e-6)


@pytest.mark.parametrize("name", PHIS)
def test_phi_rises_varphi_falls_and_they_balance_at_zero(name):
    """phi' > 0, varphi' < 0 (where the row meets the conditions) and phi'(0) + varphi'(0) = 0."""
    points = np.linspace(-0.9, 0.9, 19)
    rising, falling = at(PHIS[name].phi, *points)[1], at(PHIS[name].varphi, *points)[1]
    assert rising.min() > 0 and falling.max() < 0
    assert (np.diff(rising) >= -1e-6).all() and (np.diff(falling) >= -1e-6).all()
    assert at(PHIS[name].phi, 0.0)[1] + at(PHIS[name].varphi, 0.0)[1] == pytest.approx(0.0)


def test_sqrt_keeps_its_digits_for_very_negative_scores():
    """With r = sqrt(t^2 + 1), phi = 1 / (r - t) and phi' = 1 / (r (r - t)); here in float64."""
    scores = np.array([-1e4, -1e3, -30.0, -1.0, -1e-4, 0.0, 2.0, 1e4])
    root = np.sqrt(scores**2 + 1)
    expected = np.where(scores < 0, 1 / (root + np.abs(scores)), root + scores)
    values, slopes = at(PHIS["sqrt"].phi, *scores)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(slopes, expected / root, rtol=1e-6)
    values, slopes = at(PHIS["sqrt"].varphi, *-scores)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(slopes, -expected / root, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in PHIS if name != "exp"])
def test_phi_stays_finite_for_huge_scores(name):
    for function in (PHIS[name].phi, PHIS[name].varphi, PHIS[name].psi):
        assert np.isfinite(at(function, -1e4, 1e4)).all()


def test_phi_exp_overflows_beyond_88():
    """e^89 is larger than the largest float32 number; the guard skips such a step."""
    assert np.isfinite(at(PHIS["exp"].phi, -1e4, 88.0)).all()
    assert np.isinf(at(PHIS["exp"].phi, 89.0)[0])


@pytest.mark.parametrize("slope", [1.0, 0.5, 0.0, -1.0, -3.0])
def test_leaky_cost_is_the_larger_of_a_and_nu_a(slope):
    points = np.array([-2.0, -0.5, 0.25, 4.0], "float32")
    values, slopes = at(lambda a: leaky_cost(a, slope), *points)
    np.testing.assert_array_equal(values, np.maximum(points, np.float32(slope) * points))
    np.testing.assert_array_equal(slopes, [slope, slope, 1.0, 1.0])
    assert (values >= points).all()


def test_leaky_cost_refuses_slopes_above_one():
    for slope in (1.01, math.nan):
        with pytest.raises(ValueError, match="at most 1"):
            leaky_cost(tf.zeros(1), slope)


def test_elu_cost():
    values, slopes = at(elu_cost, -1.0, 2.0)
    np.testing.assert_allclose(values, [math.exp(-1) - 1, 2.0], rtol=1e-6)
    np.testing.assert_allclose(slopes, [math.exp(-1), 1.0], rtol=1e-6)


def test_cost_is_of_each_pair_not_of_their_mean():
    """Pairs at a = 3 and a = -1 cost (3 + 0) / 2 under the hinge; their mean would cost 1."""
    argument = hinge_argument(tf.zeros(2), tf.constant([3.0, 0.0]), tf.constant([0.0, 1.0]))
    assert float(tf.reduce_mean(leaky_cost(argument, 0.0))) == 1.5


def test_l2_margin_is_a_root_mean_square():
    """|x - g| = (3, 4, 0, 0): mean 7/4, root mean square sqrt(25/4)."""
    real = tf.reshape([3.0, 4.0, 0.0, 0.0], (1, 2, 2, 1))
    fake = tf.zeros_like(real)
    assert float(margin(real, fake, scale=2.0)[0]) == 3.5
    assert float(margin(real, fake, scale=2.0, distance="l2")[0]) == 5.0
    with pytest.raises(ValueError, match="'l1', 'l2'"):
        margin(real, fake, distance="linf")


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_pairwise_margin_has_the_paired_one_on_its_diagonal(distance):
    real, fake = (tf.random.stateless_normal((5, 2, 2, 3), (i, 0)) for i in (1, 2))
    pairs = pairwise_margin(real, fake[:4], scale=2.0, distance=distance)
    assert pairs.shape == (5, 4)
    for shift in range(4):
        rolled = margin(real[:4], tf.roll(fake[:4], -shift, 0), scale=2.0, distance=distance)
        found = [pairs[i, (i + shift) % 4] for i in range(4)]
        np.testing.assert_allclose(found, rolled, rtol=1e-6)
