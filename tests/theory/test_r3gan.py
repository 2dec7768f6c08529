"""R3GAN next to GLS-GAN: where softplus meets the definition of the costs, and what still holds."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import optimize, special

from benchmarks.theory.critics import (
    FixedPoints,
    cosines,
    gradients_at,
    make_critic,
    scores_at,
    train_critic,
)
from zoo.models import R3GAN, RelativisticPair
from zoo.models.examples import Examples
from zoo.models.margins import elu_cost, leaky_cost
from zoo.penalties import make_penalty
from zoo.randomness import Noise

ARGUMENTS = np.arange(-80, 81) / 10
FAKE_POINT, REAL_POINT = np.array([-0.3, 0.5, 0.4]), np.array([0.9, -1.1, 0.4])


def cost(arguments) -> tf.Tensor:
    """Computes R3GAN's loss of pairs with a = c(g) - c(x)."""
    fake = Examples(None, scores=tf.constant(arguments, tf.float32))
    real = Examples(None, scores=tf.zeros_like(fake.scores))
    return RelativisticPair().critic_losses(real, fake)["pair_loss"]


def pair_loss(real: np.ndarray, fake: np.ndarray, critic: np.ndarray) -> float:
    """Computes the mean loss over all pairs of two distributions on the same points."""
    pairs = np.logaddexp(0.0, critic[None, :] - critic[:, None])
    return float(real @ pairs @ fake)


def slope_of_two_diracs(gap: float, weight: float) -> float:
    """Returns the k that minimises `softplus(-k d) + weight k²`: `d sigmoid(-k d) = 2 weight k`."""
    return optimize.brentq(lambda k: gap * special.expit(-k * gap) - 2 * weight * k, 0.0, 1e3)


def test_softplus_meets_one_condition_of_the_costs_and_misses_the_other():
    """GLS-GAN's costs have (I) C(a) = a from 0 on and (II) C(a) >= a.

    Softplus meets (II). Its gap to (I) is softplus(-a): log 2 at 0, falling to 0.
    """
    values = np.asarray(cost(ARGUMENTS), np.float64)
    gap = values - ARGUMENTS
    np.testing.assert_allclose(gap, np.logaddexp(0.0, -ARGUMENTS), atol=2e-6)
    assert gap.min() > 0 and (np.diff(gap) < 1e-6).all()
    assert gap[ARGUMENTS == 0.0] == pytest.approx(np.log(2), rel=1e-6)
    assert float(cost([20.0])[0]) == pytest.approx(20.0, abs=1e-6)
    positive = tf.constant(ARGUMENTS[ARGUMENTS >= 0], tf.float32)
    for member in (elu_cost(positive), leaky_cost(positive, 0.0), leaky_cost(positive, -1.0)):
        np.testing.assert_array_equal(member, positive)


def test_the_slope_of_softplus_is_a_sigmoid_and_that_of_a_cost_is_one_from_zero_on():
    """A pair that is far apart in the right order has almost no slope, and no pair has more than 1.

    At a = 0 the slope is 1/2. The members have slope 1 for every a > 0.
    """
    points = tf.constant([-8.0, 0.0, 0.5, 8.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(points)
        smooth = tf.nn.softplus(points)
        members = elu_cost(points), leaky_cost(points, 0.0)
    np.testing.assert_allclose(tape.gradient(smooth, points), special.expit(points), rtol=1e-5)
    for member in members:
        np.testing.assert_array_equal(tape.gradient(member, points)[2:], [1.0, 1.0])


def test_softplus_is_the_hinge_of_ls_gan_at_margin_zero_up_to_log_2():
    """`0 < softplus(a) - max(a, 0) <= log 2`, and `tau softplus(a / tau)` tends to the hinge."""
    hinge = np.asarray(leaky_cost(tf.constant(ARGUMENTS, tf.float32), 0.0))
    difference = np.asarray(cost(ARGUMENTS)) - hinge
    assert difference.min() > 0 and difference.max() == pytest.approx(np.log(2), rel=1e-6)
    for scale in (1.0, 0.1, 0.01):
        sharper = scale * np.asarray(cost(ARGUMENTS / scale))
        assert np.abs(sharper - hinge).max() == pytest.approx(scale * np.log(2), rel=1e-4)


def test_a_constant_critic_is_optimal_for_equal_distributions():
    """By Jensen the mean loss is at least log 2 if P_G = P_data, as LS-GAN's optimum is L = 0."""
    random = np.random.default_rng(0)
    density = random.dirichlet(np.ones(8))
    assert pair_loss(density, density, np.full(8, 3.0)) == pytest.approx(np.log(2))
    for _ in range(20):
        assert pair_loss(density, density, random.normal(size=8)) > np.log(2)


def test_every_difference_of_the_distributions_lowers_the_loss():
    """The gradient at a constant critic is (p_g - p_d) / 2, so no ratio can be exceeded.

    LS-GAN's L = 0 stays optimal up to a density ratio of 1 + 1 / lambda.
    """
    real = np.full(8, 0.125)
    fake = real + 0.01 * np.array([1, -1, 0, 0, 0, 0, 0, 0])
    slopes = optimize.approx_fprime(np.zeros(8), lambda c: pair_loss(real, fake, c), 1e-6)
    np.testing.assert_allclose(slopes, (fake - real) / 2, atol=1e-6)
    assert pair_loss(real, fake, -0.1 * slopes) < np.log(2)


def test_for_a_flat_critic_the_loss_is_half_of_wgans():
    """`|softplus(a) - log 2 - a / 2| <= a² / 8`: GLS-GAN equals WGAN up to E[Delta] there."""
    near = np.asarray(cost(ARGUMENTS), np.float64) - np.log(2) - ARGUMENTS / 2
    assert (np.abs(near) <= ARGUMENTS**2 / 8 + 1e-6).all()


@pytest.mark.parametrize(
    ("penalty", "activation"), [("max_gp", "relu"), ("r1_r2", "linear")], ids=["max_gp", "r1_r2"]
)
def test_trained_critic_reaches_the_closed_form_and_points_to_the_real_point(penalty, activation):
    """Two point masses at distance d: the slope is within 3 % of k, the cosine above 0.999.

    With MaxGP of weight lambda, and with R1 + R2 of weight gamma = lambda and a linear critic, k
    minimises `softplus(-k d) + lambda k²`.
    """
    expected = slope_of_two_diracs(gap=2.0, weight=0.1)
    keras.utils.set_random_seed(0)
    model = R3GAN(
        FixedPoints(np.tile(FAKE_POINT, (32, 1))),
        make_critic(3, units=32, activation=activation),
        penalty=make_penalty(penalty, {"weight": 0.1}),
    )
    train_critic(model, np.tile(REAL_POINT, (32, 1)), steps=1000, learning_rate=1e-2)
    fake_score, real_score = scores_at(model, np.stack([FAKE_POINT, REAL_POINT])).tolist()
    gradient = gradients_at(model, FAKE_POINT[None])
    assert (real_score - fake_score) / 2.0 == pytest.approx(expected, rel=0.03)
    assert np.linalg.norm(gradient) == pytest.approx(expected, rel=0.03)
    assert cosines(gradient, (REAL_POINT - FAKE_POINT)[None])[0] > 0.999


def test_r1_and_r2_bound_the_slope_at_the_points_alone():
    """A critic that is flat at both points has no penalty, however far apart its scores are."""

    def step(points: tf.Tensor) -> tf.Tensor:
        return 40.0 * tf.reduce_sum(3 * points**2 - 2 * points**3, axis=1)

    real, fake = tf.ones((2, 1)), tf.zeros((2, 1))
    noise, size = Noise(0, 0, tf.range(2, dtype=tf.int64)), tf.constant(2.0)
    flat = make_penalty("r1_r2", {}).terms(step, real, fake, noise, size)
    assert float(tf.reduce_max(flat.terms["penalty"])) < 1e-9
    between = make_penalty("max_gp", {}).terms(step, real, fake, noise, size)
    assert float(tf.reduce_max(between.terms["penalty"])) > 10.0


def distance_after(weight: float, *, steps: int = 2000, rate: float = 0.02) -> float:
    """Plays a linear critic c(v) = a v against one generated point t; the real point is 0.

    Both take gradient steps at once. The penalty is that of R1 + R2.
    """
    a, t = tf.Variable(0.2), tf.Variable(1.0)
    objective = RelativisticPair()

    @tf.function
    def play() -> None:
        with tf.GradientTape(persistent=True) as tape:
            real, fake = Examples(None, scores=a * 0.0), Examples(None, scores=a * t)
            critic = objective.critic_losses(real, fake)["pair_loss"] + weight * tf.square(a)
            generator = objective.generator_losses(fake, real)["generator_loss"]
        slopes = tape.gradient(critic, a), tape.gradient(generator, t)
        a.assign_sub(rate * slopes[0])
        t.assign_sub(rate * slopes[1])

    for _ in range(steps):
        play()
    return float(np.hypot(a.numpy(), t.numpy()))


def test_the_game_of_two_points_converges_fast_with_r1_and_r2_alone():
    """Its linearisation circles without a penalty, and has decaying solutions with one.

    Mescheder et al. (arXiv 1801.04406), for R3GAN's losses. Without a penalty
    `d(a² + t²)/dt = -2 a t tanh(a t / 2)`, which is of fourth order near 0.
    """
    assert distance_after(0.0) > 0.3
    assert distance_after(0.25) < 1e-2
