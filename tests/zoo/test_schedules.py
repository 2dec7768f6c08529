"""Schedules over the burn-in, and penalties in some steps only."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train
from tests.support.quadratic_critic import Scale, noise_of, rows_of_norm
from zoo.ema import clone, update_scheduled_average
from zoo.networks import DCGANGenerator
from zoo.options import StepOptions
from zoo.penalties import make_penalty
from zoo.penalties.schedule import check_schedule, is_due, scheduled_penalty, without_penalty
from zoo.schedules import half_cosine

EVERY_PENALTY = ("gp", "lp", "cp", "dragan", "r1", "r2", "r1_r2", "direct", "per_pixel")


def penalise(penalty, options, step, *, run_steps=0, in_graph=False):
    """Returns the penalty on rows of norm 3 and 0.5, and its derivative by `a`, at a = 1."""
    images, critic = rows_of_norm(3.0, 0.5), Scale((2, 1, 2))

    def compute(step):
        noise = noise_of(2, step=step)
        with tf.GradientTape() as tape:
            found = scheduled_penalty(
                penalty,
                lambda: penalty.terms(critic, images, images, noise, tf.constant(2.0)),
                options,
                step=step,
                rows=tf.shape(images)[0],
                run_steps=run_steps,
            )
            mean = tf.reduce_mean(found.terms["penalty"])
        slope = tape.gradient(mean, critic.factor.value, unconnected_gradients="zero")
        return mean, slope, found.logs

    run = tf.function(compute) if in_graph else compute
    with contextlib.nullcontext() if is_due(step, options) else without_penalty():
        value, slope, logs = run(tf.constant(step, tf.int64))
    return float(value), float(slope), {name: float(tf.reduce_mean(v)) for name, v in logs.items()}


def test_half_cosine_ends_at_its_last_value():
    found = [float(half_cosine(step, first=0.9, last=0.99, steps=8)) for step in (0, 4, 8, 100)]
    np.testing.assert_allclose(found, [0.9, 0.945, 0.99, 0.99], rtol=1e-6)


@pytest.mark.parametrize("name", EVERY_PENALTY)
def test_a_lazy_penalty_has_the_mean_of_one_in_every_step(name):
    """Value, gradient and logged values of steps 0 to 3 have the mean of the plain penalty."""
    penalty, in_graph = make_penalty(name, {}), name == "r1_r2"
    every, plain = (
        [penalise(penalty, StepOptions(penalty_every=k), step, in_graph=in_graph) for step in steps]
        for k, steps in ((4, range(4)), (1, range(1)))
    )
    assert every[0][0] != 0.0 and every[1][:2] == every[2][:2] == every[3][:2] == (0.0, 0.0)
    # The points of gp and others differ between steps, so step 0 is compared with step 0.
    assert np.mean([one[0] for one in every]) == pytest.approx(plain[0][0], rel=1e-5)
    assert np.mean([one[1] for one in every]) == pytest.approx(plain[0][1], rel=1e-5)
    for log, value in plain[0][2].items():
        assert np.mean([one[2][log] for one in every]) == pytest.approx(value, rel=1e-5)


def test_the_weight_of_a_penalty_moves_over_the_burn_in():
    options = StepOptions(burn_in=0.5, final_penalty_weight=0.5)
    for name, at_one in (("r1_r2", 4.625), ("max_gp", 9.0)):
        penalty = make_penalty(name, {"weight": 2.0})
        found = [penalise(penalty, options, step, run_steps=8)[0] for step in (0, 2, 4, 7)]
        np.testing.assert_allclose(found, at_one * np.array([2.0, 1.25, 0.5, 0.5]), rtol=1e-4)


@pytest.mark.parametrize(
    ("penalty", "options", "message"),
    [
        (None, {"penalty_every": 2}, "`penalty_every` 2 needs a penalty on a mean"),
        ("max_gp", {"penalty_every": 2}, "MaxGradientPenalty acts in every step"),
        ("clip", {"penalty_every": 2}, "WeightClipping acts in every step"),
        (None, {"burn_in": 0.5, "final_penalty_weight": 1.0}, "needs a penalty with a weight"),
        ("max_al", {"burn_in": 0.5, "final_penalty_weight": 1.0}, "not MaxAugmentedLagrangian"),
        ("r1", {"burn_in": 0.5, "final_penalty_weight": 1.0}, "give `run_steps`"),
        ("r1", {"burn_in": 0.5, "ema": 0.9, "ema_half_life": 5.0}, "give `run_steps`"),
    ],
)
def test_schedules_that_cannot_be(penalty, options, message):
    made = None if penalty is None else make_penalty(penalty, {})
    with pytest.raises(ValueError, match=message):
        check_schedule(made, StepOptions(**options), run_steps=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"final_penalty_weight": 1.0}, "give `burn_in` too"),
        ({"ema_half_life": 5.0}, "give `ema` too"),
        ({"burn_in": 0.0}, "above 0 and at most 1"),
        ({"penalty_every": 0}, "at least 1"),
    ],
)
def test_options_of_a_step_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        StepOptions(**options).check()


def test_the_half_life_rises_from_zero_over_the_burn_in():
    """At step 0 the average is the network; halfway through the burn-in the half-life is 1."""
    network = DCGANGenerator((8, 8, 1), latent_dim=2, base_filters=4, normalization="none")
    average = clone(network)
    options = StepOptions(ema=0.999, ema_half_life=2.0, burn_in=0.5)
    for step, expected in ((0, 1.0), (4, 0.5), (8, 1 - 0.5**0.5), (99, 1 - 0.5**0.5)):
        for one, value in ((network, 1.0), (average, 0.0)):
            for variable in one.variables:
                variable.assign(tf.fill(variable.shape, value))
        at = tf.constant(step, tf.int64)
        update_scheduled_average(average, network, options, step=at, run_steps=16)
        np.testing.assert_allclose(average.variables[0], expected, rtol=1e-5)
    bounded = StepOptions(ema=0.5, ema_half_life=100.0)
    for variable in average.variables:
        variable.assign(tf.zeros(variable.shape))
    update_scheduled_average(average, network, bounded, step=at, run_steps=0)
    np.testing.assert_allclose(average.variables[0], 0.5, rtol=1e-6)


def test_a_model_with_a_lazy_penalty_trains_by_it():
    """The first step is that of a penalty of twice the weight, to the bit; the second has none."""
    results = []
    for options in ({"penalty_every": 2, "penalty_weight": 1.0}, {"penalty_weight": 2.0}):
        small = {"network": "mlp", "depth": 1}
        recipe = tiny_recipe("r3gan", **small, **options)
        recipe.check()
        model = build(recipe)
        logs = train(model, recipe, tiny_data(), steps=1)
        results.append((logs["penalty"], [np.array(v) for v in model.critic.trainable_variables]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6) and results[0][0] > 0
    for left, right in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)


def test_steps_with_and_without_a_penalty_alternate_as_asked():
    """Three steps with `penalty_every` 2 compute it in steps 0 and 2, with the weight doubled."""
    recipe = tiny_recipe("r3gan", network="mlp", depth=1, penalty_every=2, critic_steps=1)
    model = build(recipe)
    found = [train(model, recipe, tiny_data(), steps=1, first_step=i)["penalty"] for i in range(3)]
    assert found[0] > 0.0 and found[1] == 0.0 and found[2] > 0.0
