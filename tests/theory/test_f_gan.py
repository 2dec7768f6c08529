"""f-GAN: conjugates, the divergence at the optimum, and the gradients of both players."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.models import Classic, FDivergence
from zoo.models.examples import Examples
from zoo.models.f_gan import DIVERGENCES

# f(u) and f'(u) of the paper's table 5, and the inverse of g_f.
F = {
    "kl": (lambda u: u * np.log(u), lambda u: np.log(u) + 1, lambda t: t),
    "reverse_kl": (lambda u: -np.log(u), lambda u: -1 / u, lambda t: -np.log(-t)),
    "pearson": (lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1), lambda t: t),
    "squared_hellinger": (
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda u: 1 - 1 / np.sqrt(u),
        lambda t: -np.log(1 - t),
    ),
    "jensen_shannon": (
        lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
        lambda u: np.log(2 * u / (u + 1)),
        lambda t: -np.log(2 * np.exp(-t) - 1),
    ),
    "gan": (
        lambda u: u * np.log(u) - (u + 1) * np.log(u + 1),
        lambda u: np.log(u / (u + 1)),
        lambda t: -np.log(np.exp(-t) - 1),
    ),
}
P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])


def examples(scores):
    return Examples(None, scores=tf.constant(np.asarray(scores, "float32")))


@pytest.mark.parametrize("name", list(DIVERGENCES))
def test_the_best_critic_has_the_divergence_as_its_value(name):
    """At T = f'(p / q) the bound is sum q f(p / q), and any other score gives less."""
    f, slope, inverse = F[name]
    scores = inverse(slope(P / Q))
    objective = FDivergence(divergence=name)

    def bound(scores):
        losses = objective.critic_losses(examples(scores), examples(scores))
        return -np.sum(P * losses["critic_loss_real"]) - np.sum(Q * losses["critic_loss_fake"])

    assert bound(scores) == pytest.approx(np.sum(Q * f(P / Q)), rel=1e-5)
    for change in ([0.3, 0, 0], [0, -0.3, 0], [0, 0, 0.3], [1, 1, 1]):
        assert bound(scores + change) < bound(scores)
    logged = objective.diagnostics(examples(scores), examples(scores))["divergence"]
    expected = objective.critic_losses(examples(scores), examples(scores)).values()
    np.testing.assert_allclose(logged, -sum(expected), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("jensen_shannon", 2 * np.log(2)), ("squared_hellinger", 2.0), ("gan", 0.0)],
)
def test_on_disjoint_supports_a_bounded_divergence_is_a_constant(name, limit):
    """Scores of +s at real and -s at generated images reach it, whatever the distance between."""
    losses = FDivergence(divergence=name).critic_losses(examples([30.0]), examples([-30.0]))
    assert -sum(float(value[0]) for value in losses.values()) == pytest.approx(limit, abs=1e-6)


@pytest.mark.parametrize("name", ["kl", "reverse_kl", "pearson"])
def test_on_disjoint_supports_the_others_have_no_bound(name):
    # The score at generated images that is best for Pearson is -2; the others gain below it too.
    values = []
    for score in (10.0, 20.0, 40.0):
        fake = -2.0 if name == "pearson" else -score
        losses = FDivergence(divergence=name).critic_losses(examples([score]), examples([fake]))
        values.append(-sum(float(value[0]) for value in losses.values()))
    assert values[1] - values[0] > 9.0 and values[2] - values[1] > 19.0


@pytest.mark.parametrize("name", list(DIVERGENCES))
def test_both_generator_losses_raise_the_score(name):
    """g_f and f* grow with the score, so both losses have a negative slope."""
    for saturating in (False, True):
        scores = tf.constant([-1.5, 0.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(scores)
            objective = FDivergence(divergence=name, saturating=saturating)
            loss = objective.generator_losses(Examples(None, scores=scores), examples([0, 0, 0]))
            total = tf.reduce_sum(loss["generator_loss"])
        assert (tape.gradient(total, scores).numpy() < 0.0).all()


def test_the_divergence_gan_is_the_classic_gan():
    real, fake = examples([3.0, -200.0, 0.5]), examples([-1.0, 1.0, 200.0])
    for saturating in (False, True):
        one = FDivergence(divergence="gan", saturating=saturating)
        other = Classic(saturating=saturating)
        for method in ("critic_losses", "generator_losses"):
            losses = getattr(one, method)(real, fake), getattr(other, method)(real, fake)
            for name, values in losses[1].items():
                np.testing.assert_array_equal(losses[0][name], values)


@pytest.mark.parametrize("name", ["jensen_shannon", "gan"])
def test_bounded_slopes_stay_finite_for_large_scores(name):
    scores = tf.constant([-1e4, 1e4])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = DIVERGENCES[name].activation(scores) + DIVERGENCES[name].conjugate(scores)
    assert np.isfinite(value).all() and np.isfinite(tape.gradient(value, scores)).all()


def test_an_unknown_divergence_is_refused():
    with pytest.raises(ValueError, match="`divergence` must be 'kl' or 'reverse_kl'"):
        FDivergence(divergence="tv").check()
