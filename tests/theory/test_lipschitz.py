"""Theory of LGAN on discrete distributions (Zhou et al., arXiv 1902.05687, section 4)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.theory.critics import (
    FixedPoints,
    cosines,
    gradients_at,
    make_critic,
    scores_at,
    train_critic,
)
from benchmarks.theory.lipschitz import (
    PHI,
    optimal_critic,
    tightness,
    two_diracs,
    two_diracs_by_search,
)
from zoo.models import LipschitzGAN
from zoo.models.lipschitz import PHIS, Lipschitz
from zoo.penalties import make_penalty

# The optimal Lipschitz constant of two point masses for d = 2 and lambda = 0.1.
WORKED = {
    "linear": 10.0,
    "exp": 1.745528,
    "softplus": 1.633506,
    "sqrt": 1.568275,
    "square": 0.952381,
    "hinge": 1.0,
}
REAL_ONLY, FAKE_ONLY = slice(0, 3), slice(3, 6)


def seven_points(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns three real points, three fake points and one shared point, with their weights."""
    points = np.random.default_rng(seed).normal(size=(7, 2))
    real = np.array([0.3, 0.2, 0.2, 0.0, 0.0, 0.0, 0.3])
    fake = np.array([0.0, 0.0, 0.0, 0.4, 0.3, 0.2, 0.1])
    return points, real, fake


@pytest.mark.parametrize("phi", list(PHI))
def test_phi_varphi_and_psi_match_the_papers_table(phi):
    """`varphi(t) = phi(-t)` and psi = -t, except (t-1)^2 for `square` (released code)."""
    t = np.linspace(-3.0, 3.0, 61)
    pair, scores = PHIS[phi], tf.constant(t, tf.float32)
    np.testing.assert_allclose(pair.phi(scores), PHI[phi][0](t), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair.varphi(scores), PHI[phi][0](-t), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair.psi(scores), (t - 1) ** 2 if phi == "square" else -t, rtol=1e-6)


@pytest.mark.parametrize("phi", list(PHI))
def test_two_diracs_closed_form_is_the_minimum(phi):
    """k = 2u/d, with u the minimiser of `2 phi(-u) + 4 lambda u^2 / d^2`.

    The formula follows from the objective of section 3 with two point masses.
    """
    assert two_diracs(phi, gap=2.0, weight=0.1) == pytest.approx(WORKED[phi], abs=5e-7)
    for gap, weight in ((2.0, 0.1), (0.7, 0.1), (3.0, 1.0), (1.0, 4.0)):
        assert two_diracs(phi, gap=gap, weight=weight) == pytest.approx(
            two_diracs_by_search(phi, gap=gap, weight=weight), rel=1e-5
        )


@pytest.mark.parametrize("phi", list(PHI))
def test_critic_trained_with_max_gp_reaches_the_closed_form(phi):
    """The slope between the points and the largest gradient norm are within 3 % of k.

    The gradient at the fake point has norm k and points to the real point (cosine > 0.999), as
    theorem 2 and the theorem on the gradient's direction state.
    """
    expected = two_diracs(phi, gap=2.0, weight=0.1)
    fake_point, real_point = np.array([-0.3, 0.5, 0.4]), np.array([0.9, -1.1, 0.4])
    assert np.linalg.norm(real_point - fake_point) == pytest.approx(2.0)
    keras.utils.set_random_seed(0)
    model = LipschitzGAN(
        FixedPoints(np.tile(fake_point, (32, 1))),
        make_critic(3, units=32),
        Lipschitz(phi=phi),
        penalty=make_penalty("max_gp", {"weight": 0.1}),
    )
    logs = train_critic(model, np.tile(real_point, (32, 1)), steps=1000, learning_rate=1e-2)
    fake_score, real_score = scores_at(model, np.stack([fake_point, real_point])).tolist()
    gradient = gradients_at(model, fake_point[None])
    assert (real_score - fake_score) / 2.0 == pytest.approx(expected, rel=0.03)
    assert logs["max_gradient_norm"] == pytest.approx(expected, rel=0.03)
    assert np.linalg.norm(gradient) == pytest.approx(expected, rel=0.03)
    assert cosines(gradient, (real_point - fake_point)[None])[0] > 0.999
    if phi != "linear":  # With linear phi, f is determined only up to a constant.
        assert real_score == pytest.approx(-fake_score, abs=0.03 * abs(real_score))


@pytest.mark.parametrize("phi", ["exp", "softplus", "sqrt", "linear"])
@pytest.mark.parametrize("seed", range(3))
def test_every_point_of_a_discrete_optimum_has_a_tight_partner(phi, seed):
    """Theorem 2: if dJ0/df(x) != 0, some y has `|f(x) - f(y)| = k ||x - y||`, the largest slope.

    This holds for every point of only one support (b). The shared point may have dJ0/df = 0.
    """
    points, real, fake = seven_points(seed)
    critic, k = optimal_critic(points, real, fake, phi=phi, weight=0.1)
    derivative = PHI[phi][1]
    slope = fake * derivative(critic) - real * derivative(-critic)
    pulled = np.abs(slope) > 1e-4
    assert pulled[REAL_ONLY].all() and pulled[FAKE_ONLY].all()
    assert k > 0.1
    steepest = tightness(points, critic)
    np.testing.assert_allclose(steepest[pulled], k, rtol=1e-4)
    assert np.all(steepest <= k * (1 + 1e-6))


@pytest.mark.parametrize("phi", ["exp", "softplus", "sqrt", "square", "hinge"])
def test_equal_distributions_have_a_flat_critic(phi):
    """Theorem 2 (d): at P_r = P_g, k = 0 and f = a = 0, so the generator's gradient is also 0."""
    points, real, fake = seven_points(0)
    same = (real + fake) / 2
    critic, k = optimal_critic(points, same, same, phi=phi, weight=0.1)
    assert abs(k) < 1e-6
    assert np.abs(critic).max() < (1.0 if phi == "hinge" else 1e-6)
    assert np.ptp(critic) < 1e-6


def test_k_shrinks_as_the_distributions_meet():
    """k(f*) -> 0 as P_g -> P_r (theorem 2), with softplus."""
    points, real, fake = seven_points(1)
    constants = [
        optimal_critic(points, real, (1 - t) * fake + t * real, phi="softplus", weight=0.1)[1]
        for t in (0.0, 0.5, 0.9, 0.99)
    ]
    assert all(left > 2 * right for left, right in zip(constants[1:], constants[2:], strict=False))
    assert constants[0] > constants[1]
    assert constants[-1] < 0.05 * constants[0]


def test_linear_phi_has_many_optima_at_equal_distributions():
    """With phi = t, P_r = P_g and a hard 1-Lipschitz constraint, every f has equal cost."""
    points, real, fake = seven_points(0)
    same = (real + fake) / 2
    for critic in (points[:, 0], -points[:, 1], np.zeros(7)):
        assert tightness(points, critic).max() <= 1.0
        cost = same @ PHI["linear"][0](critic) + same @ PHI["linear"][0](-critic)
        assert cost == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("phi", ["exp", "softplus", "sqrt"])
def test_trained_critic_reaches_the_discrete_optimum(phi):
    """An MLP with MaxGP on seven points reaches f and k of the convex programme.

    The largest gradient norm is within 15 % of k, because the network must bend between the points,
    and f is within 0.15.
    """
    points, real, fake = seven_points(0)
    expected, k = optimal_critic(points, real, fake, phi=phi, weight=0.1)
    rows = [np.repeat(points, np.round(40 * p).astype(int), axis=0) for p in (real, fake)]
    keras.utils.set_random_seed(0)
    model = LipschitzGAN(
        FixedPoints(rows[1]),
        make_critic(2, units=128),
        Lipschitz(phi=phi),
        penalty=make_penalty("max_gp", {"weight": 0.1, "buffer": 10}),
    )
    logs = train_critic(model, rows[0], steps=6000, learning_rate=3e-3, shuffle=True)
    assert logs["max_gradient_norm"] == pytest.approx(k, rel=0.15)
    np.testing.assert_allclose(scores_at(model, points), expected, atol=0.15)
