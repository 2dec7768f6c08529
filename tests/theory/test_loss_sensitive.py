"""Theory of LS-GAN and GLS-GAN (Qi, arXiv 1701.06264v3), solved exactly by linear programmes."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial import distance

from benchmarks.theory.critics import FixedPoints, make_critic, scores_at, train_critic
from benchmarks.theory.loss_sensitive import Problem
from zoo.models import GeneralizedLossSensitiveGAN, LossSensitiveGAN
from zoo.models.loss_sensitive import GeneralizedLossSensitive, LossSensitive
from zoo.models.margins import elu_cost, hinge_argument, leaky_cost, pairwise_margin
from zoo.penalties import make_penalty

LINE_REAL = np.array([[-1.0], [0.2], [1.1], [0.5]])
LINE_FAKE = np.array([[-0.3], [0.45], [2.0], [1.4]])


def problem(seed: int, *, hinge_weight: float, lipschitz: float, count: int = 8) -> Problem:
    """Returns a problem with random points of the plane and P_G = P_data."""
    random = np.random.default_rng(seed)
    density = random.dirichlet(np.ones(count))
    points = random.uniform(-1.0, 1.0, (count, 2))
    return Problem(points, density, density, hinge_weight, lipschitz)


def with_ratio(ratio: float) -> Problem:
    """Returns a problem with `P_G / P_data = ratio` at one point, below 1 elsewhere; lambda = 5."""
    equal = problem(0, hinge_weight=5.0, lipschitz=1.0)
    point = int(np.argmin(equal.real))
    fake = equal.real * (1 - ratio * equal.real[point]) / (1 - equal.real[point])
    fake[point] = ratio * equal.real[point]
    assert fake.sum() == pytest.approx(1.0)
    return dataclasses.replace(equal, fake=fake)


@pytest.mark.parametrize("hinge_weight", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("lipschitz", [0.3, 1.0, 3.0])
def test_optimum_is_the_mean_margin_for_equal_distributions(hinge_weight, lipschitz):
    """At P_G = P_data, L = 0 is optimal and `S* = lambda E[Delta] > 0`, theorem 1."""
    equal = problem(1, hinge_weight=hinge_weight, lipschitz=lipschitz)
    optimum = equal.objective(equal.solve())
    assert optimum == pytest.approx(hinge_weight * equal.mean_margin(), rel=1e-9)
    assert equal.objective(np.zeros(8)) == pytest.approx(optimum, rel=1e-9)
    assert optimum > 0.1


@pytest.mark.parametrize(
    ("ratio", "gains"), [(1.0, False), (1.15, False), (1.2, False), (1.21, True), (1.5, True)]
)
def test_density_ratio_threshold(ratio, gains):
    """L = 0 is optimal if and only if `P_data >= lambda / (1 + lambda) P_G`: ratios up to 1.2.

    Lemma of theorem 1: above this ratio, some L has a lower S than `lambda E[Delta]`.
    """
    unequal = with_ratio(ratio)
    gain = 5.0 * unequal.mean_margin() - unequal.objective(unequal.solve())
    assert (gain > 1e-6) == gains
    assert gain > -1e-9


def test_density_distance_bound():
    """`P_data >= lambda / (1 + lambda) P_G` implies `sum |P_data - P_G| <= 2 / lambda`."""
    unequal = with_ratio(1.2)
    assert np.all(unequal.real >= 5 / 6 * unequal.fake - 1e-12)
    assert np.abs(unequal.real - unequal.fake).sum() <= 2 / 5


@pytest.mark.parametrize("lipschitz", [0.5, 1.0, 2.0])
def test_cones_interpolate_and_bound_each_other(lipschitz):
    """`max_i (l_i - kappa Delta)_+ <= min_i (l_i + kappa Delta)`; both equal l_i at x_i.

    Theorem 2 and its corollaries: both are kappa-Lipschitz, and every optimal L is between them.
    """
    random = np.random.default_rng(2)
    points = random.uniform(-1.0, 1.0, (9, 2))
    real, fake = np.repeat([0.25, 0.0], [4, 5]), np.repeat([0.0, 0.2], [4, 5])
    split = Problem(points, real, fake, 2.0, lipschitz)
    losses = split.solve()
    assert losses.min() >= 0.0
    for bound in split.cones(losses, points):
        np.testing.assert_allclose(bound, losses, atol=1e-7)
    at = random.uniform(-2.0, 2.0, (400, 2))
    lower, upper = split.cones(losses, at)
    assert np.all(lower <= upper + 1e-9)
    assert np.max(upper - lower) > 0.1
    for bound in (lower, upper, 0.3 * lower + 0.7 * upper):
        slopes = distance.pdist(bound[:, None]) / distance.pdist(at, "cityblock")
        assert slopes.max() <= lipschitz * (1 + 1e-9)


def test_trained_lipschitz_critic_is_optimal_and_within_its_cones():
    """An MLP with LS-GAN's loss over all pairs and a one-sided MaxGP reaches the programme's S*.

    Delta(x, g) = |x - g| / 2 and the slope is at most 1, so kappa = 2. lambda is infinite (no first
    term), so L is determined only up to a constant. L is between the cones of theorem 2.
    """
    points = 0.5 * np.vstack([LINE_REAL, LINE_FAKE])
    real, fake = np.repeat([0.25, 0.0], 4), np.repeat([0.0, 0.25], 4)
    exact = Problem(points, real, fake, lipschitz=2.0, first_term_weight=0.0)
    keras.utils.set_random_seed(0)
    model = LossSensitiveGAN(
        FixedPoints(LINE_FAKE),
        make_critic(1),
        LossSensitive(margin_scale=0.5, pairs="all"),
        penalty=make_penalty("max_lp", {"weight": 10.0}),
    )
    logs = train_critic(model, LINE_REAL, steps=2000, learning_rate=1e-2, shuffle=True)
    at = np.linspace(-1.0, 2.0, 301)[:, None]
    losses = scores_at(model, np.vstack([LINE_REAL, LINE_FAKE]))
    between = scores_at(model, at) - losses.min()
    losses = losses - losses.min()
    optimum = exact.objective(exact.solve())
    assert optimum < 0.5 * exact.mean_margin()
    assert exact.objective(losses) == pytest.approx(optimum, rel=0.05)
    assert logs["hinge"] == pytest.approx(exact.objective(losses), rel=0.02)
    steepest = np.abs(np.diff(between) / np.diff(at[:, 0])).max()
    assert steepest < 1.03
    lower, upper = exact.cones(losses, 0.5 * at)
    assert np.all(between >= lower - 0.02)
    assert np.all(between <= upper + 0.02)


def cone_function(points: np.ndarray, steepness: float) -> np.ndarray:
    """Returns values of a minimum of cones, with the given Lipschitz constant in the L1 norm."""
    random = np.random.default_rng(3)
    tips, heights = random.uniform(-1, 1, (5, 2)), random.uniform(0, 0.3, 5)
    return (heights + steepness * distance.cdist(points, tips, "cityblock")).min(axis=1)


@pytest.mark.parametrize("slope", [-3.0, -1.0, 0.0, 0.01, 0.5, 1.0, "elu"])
def test_glsgan_is_wgan_for_every_slope_if_l_is_1_lipschitz(slope):
    """If L is 1-Lipschitz, `E[C(.)] = E[Delta] + E[L(x)] - E[L(g)]` for every slope nu.

    Then Delta + L(x) - L(g) >= 0 (conditions (I) and (II) of GLS-GAN's cost). If L is steeper than
    Delta, the costs differ, except for nu = 1.
    """
    random = np.random.default_rng(4)
    real, fake = random.uniform(-1, 1, (40, 2)), random.uniform(-1, 1, (30, 2)) + 0.5
    # Twice the mean over two coordinates, so Delta is the L1 distance.
    delta = pairwise_margin(tf.constant(real, tf.float32), tf.constant(fake, tf.float32), scale=2.0)

    def costs(steepness: float) -> tuple[float, float]:
        losses = [cone_function(points, steepness) for points in (real, fake)]
        real_loss, fake_loss = (tf.constant(one, tf.float32) for one in losses)
        argument = hinge_argument(delta, real_loss[:, None], fake_loss[None])
        cost = elu_cost(argument) if slope == "elu" else leaky_cost(argument, slope)
        wasserstein = np.mean(delta) + losses[0].mean() - losses[1].mean()
        return float(np.mean(cost)), float(wasserstein)

    gls, wasserstein = costs(1.0)
    assert gls == pytest.approx(wasserstein, abs=1e-6)
    gls, wasserstein = costs(4.0)
    if slope == 1.0:
        assert gls == pytest.approx(wasserstein, abs=1e-5)
    else:
        assert gls > wasserstein + 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.5])
def test_glsgan_critics_of_any_slope_reach_the_same_optimum(slope):
    """With kappa = 1, every slope nu reaches WGAN's optimum, the S* of the linear programme."""
    points = np.vstack([LINE_REAL, LINE_FAKE])
    real, fake = np.repeat([0.25, 0.0], 4), np.repeat([0.0, 0.25], 4)
    exact = Problem(points, real, fake, lipschitz=1.0, first_term_weight=0.0)
    keras.utils.set_random_seed(0)
    model = GeneralizedLossSensitiveGAN(
        FixedPoints(LINE_FAKE),
        make_critic(1),
        GeneralizedLossSensitive(slope=slope, margin_scale=1.0, pairs="all"),
        penalty=make_penalty("max_lp", {"weight": 10.0}),
    )
    train_critic(model, LINE_REAL, steps=4000, learning_rate=1e-2, shuffle=True)
    losses = scores_at(model, points)
    assert exact.objective(losses) == pytest.approx(exact.objective(exact.solve()), rel=0.05)
