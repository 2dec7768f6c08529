"""Theory of LSGAN on discrete densities (Mao et al., arXiv 1611.04076, section 3.2)."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.theory.critics import (
    FixedPoints,
    gradients_at,
    make_critic,
    scores_at,
    train_critic,
)
from benchmarks.theory.least_squares import (
    cost_by_identity,
    generator_cost,
    optimal_critic,
    symmetric_chi_square,
)
from zoo.models import LeastSquaresGAN, LipschitzGAN
from zoo.models.least_squares import SCHEMES, LeastSquares, squared_distance
from zoo.penalties import make_penalty

TARGETS = [*SCHEMES.values(), (-2.0, 0.5, 3.0), (1.0, -1.0, 0.0)]
COUNTS = np.array([[6, 1, 0, 3, 2], [1, 4, 5, 3, 0]])  # Of 12 real and 13 fake points.


def densities(seed: int, points: int = 9) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(points)), random.dirichlet(np.ones(points))


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("seed", range(4))
def test_general_identity_against_chi_square(targets, seed):
    """`2C(G) = 2 ((a+b)/2 - c)^2 + ((b-a)/2)^2 sum (p_d - p_g)^2 / (p_d + p_g)` for all a != b, c.

    Section 3.2 states the case b - c = 1, b - a = 2. The test computes both sides separately.
    """
    a, b, c = targets
    real, fake = densities(seed)
    critic = optimal_critic(real, fake, fake_target=a, real_target=b)
    left = generator_cost(critic, real, fake, generator_target=c)
    chi_square = symmetric_chi_square(real, fake)
    assert 0.0 < chi_square < 2.0
    right = cost_by_identity(chi_square, fake_target=a, real_target=b, generator_target=c)
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_pearson_scheme_is_the_chi_square_itself():
    """For b - c = 1 and b - a = 2, `2C(G) = chi2_Pearson(p_d + p_g || 2 p_g)` (equation 8)."""
    a, b, c = SCHEMES["pearson"]
    real, fake = densities(0)
    critic = optimal_critic(real, fake, fake_target=a, real_target=b)
    pearson = np.sum((2 * fake - (real + fake)) ** 2 / (real + fake))
    np.testing.assert_allclose(
        generator_cost(critic, real, fake, generator_target=c), pearson, rtol=1e-12
    )
    np.testing.assert_allclose(symmetric_chi_square(real, fake), pearson, rtol=1e-12)


@pytest.mark.parametrize(("scheme", "least"), [("pearson", 0.0), ("binary", 0.5)])
def test_both_schemes_are_minimal_at_equal_densities(scheme, least):
    """2C has its minimum `2 ((a+b)/2 - c)^2` at p_g = p_d: 0 for (-1,1,0), 1/2 for (0,1,1)."""
    a, b, c = SCHEMES[scheme]
    real, _ = densities(1)
    costs = []
    for share in (0.0, 0.1, 0.5):
        fake = (1 - share) * real + share * np.roll(real, 1)
        critic = optimal_critic(real, fake, fake_target=a, real_target=b)
        costs.append(generator_cost(critic, real, fake, generator_target=c))
    assert costs[0] == pytest.approx(least, abs=1e-12)
    assert costs[0] < costs[1] < costs[2]


def test_chi_square_is_0_for_equal_and_2_for_disjoint_densities():
    """The divergence has the range [0, 2]."""
    real, _ = densities(2)
    assert symmetric_chi_square(real, real) == 0.0
    disjoint = symmetric_chi_square(np.array([0.3, 0.7, 0.0]), np.array([0.0, 0.0, 1.0]))
    assert disjoint == pytest.approx(2.0)


@pytest.mark.parametrize("targets", TARGETS)
def test_objectives_gradient_vanishes_at_the_optimal_critic(targets):
    """`d/dD sum p_d 1/2 (D-b)^2 + p_g 1/2 (D-a)^2` is 0 at D* (equation 5) and not 0 nearby."""
    a, b, _ = targets
    real, fake = (tf.constant(p, tf.float32) for p in densities(3))
    star = optimal_critic(real.numpy(), fake.numpy(), fake_target=a, real_target=b)
    for offset, vanishes in ((0.0, True), (0.1, False)):
        critic = tf.constant(star + offset, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(critic)
            loss = tf.reduce_sum(
                real * squared_distance(critic, b) + fake * squared_distance(critic, a)
            )
        gradient = np.abs(tape.gradient(loss, critic))
        assert (gradient.max() < 1e-6) == vanishes


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_critic_trained_by_the_model_is_optimal(scheme):
    """An MLP on five points with exact frequencies reaches `D* = (b p_d + a p_g) / (p_d + p_g)`.

    Section 3.2. With this D, the generator's 2C equals the value of the identity.
    """
    a, b, c = SCHEMES[scheme]
    support = np.linspace(-1.0, 1.0, 5)[:, None]
    real, fake = (np.repeat(support, counts, axis=0) for counts in COUNTS)
    # Both batches have 12 x 13 rows with unchanged frequencies.
    real, fake = np.repeat(real, 13, axis=0), np.repeat(fake, 12, axis=0)
    keras.utils.set_random_seed(0)
    model = LeastSquaresGAN(FixedPoints(fake), make_critic(1), LeastSquares(scheme=scheme))
    train_critic(model, real, steps=800, learning_rate=1e-2)
    p_real, p_fake = COUNTS[0] / 12, COUNTS[1] / 13
    trained = scores_at(model, support)
    star = optimal_critic(p_real, p_fake, fake_target=a, real_target=b)
    np.testing.assert_allclose(trained, star, atol=0.01)
    np.testing.assert_allclose(
        generator_cost(trained, p_real, p_fake, generator_target=c),
        cost_by_identity(
            symmetric_chi_square(p_real, p_fake),
            fake_target=a,
            real_target=b,
            generator_target=c,
        ),
        atol=0.01,
    )


def squares(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns real points in a square around (1, 0) and fake points around (-1, 0)."""
    random = np.random.default_rng(0)
    real, fake = (random.uniform(-0.25, 0.25, (count, 2)) for _ in range(2))
    return real + [1.0, 0.0], fake - [1.0, 0.0]


def test_without_a_lipschitz_term_the_gradient_at_fakes_vanishes():
    """D*(x) depends only on the densities at x, so its gradient is 0 in regions of fake points.

    LGAN paper, section 2 (uninformative gradients). With MaxGP, the same network has a gradient
    that points to the real points (theorem 2 of that paper).
    """
    real, fake = squares(64)
    keras.utils.set_random_seed(0)
    free = LeastSquaresGAN(FixedPoints(fake), make_critic(2))
    train_critic(free, real, steps=600, learning_rate=1e-2)
    np.testing.assert_allclose(scores_at(free, fake), -1.0, atol=0.02)
    keras.utils.set_random_seed(0)
    penalty = make_penalty("max_gp", {"weight": 0.1})
    held = LipschitzGAN(FixedPoints(fake), make_critic(2), penalty=penalty)
    train_critic(held, real, steps=600, learning_rate=1e-2, shuffle=True)
    without = np.linalg.norm(gradients_at(free, fake), axis=1)
    informed = gradients_at(held, fake)
    assert np.mean(without) < 0.02
    assert np.min(np.linalg.norm(informed, axis=1)) > 0.5
    assert np.all(informed[:, 0] > 0.9 * np.linalg.norm(informed, axis=1))
