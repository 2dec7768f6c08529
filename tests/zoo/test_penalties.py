"""Penalties: values and gradients by hand, state, constraints and refused arguments."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.quadratic_critic import Scale, noise_of, penalise, rows_of_norm
from zoo.networks import DCGANCritic
from zoo.penalties import PENALTIES, make_penalty, penalty_options
from zoo.penalties.gradient import interpolates


@pytest.mark.parametrize(
    ("name", "options", "value", "slope"),
    [
        # Norms s = a (3, 0.5) at a = 1; the expected values are mean h(s) and mean h'(s) ds/da.
        ("gp", {"weight": 10.0}, 10 * (4 + 0.25) / 2, 10 * (2 * 2 * 3 - 2 * 0.5 * 0.5) / 2),
        ("lp", {"weight": 10.0}, 10 * 4 / 2, 10 * 2 * 2 * 3 / 2),
        ("cp", {"weight": 2.0}, 2 * 9.25 / 2, 2 * 2 * 9.25 / 2),
        ("r1", {"weight": 2.0}, 9.25 / 2, 9.25),
        ("r2", {"weight": 2.0}, 9.25 / 2, 9.25),
        ("r1_r2", {"weight": 2.0}, 9.25, 18.5),
        ("direct", {"weight": 2.0, "power": 1}, 3.5, 3.5),
        ("direct", {"weight": 2.0, "power": 2}, 9.25, 18.5),
        # The pixels (3, 0 | 4, 0) / 5 * s have norms 0.6 s and 0.8 s; mean over pixels and s.
        ("per_pixel", {"weight": 10.0}, 10 * 0.7 * 1.75, 10 * 0.7 * 1.75),
        ("max_gp", {"weight": 2.0}, 2 * 9, 2 * 2 * 9),
        ("max_gp_one", {"weight": 2.0}, 2 * 4, 2 * 2 * 2 * 3),
        ("max_lp", {"weight": 2.0}, 2 * 4, 2 * 2 * 2 * 3),
        ("max_al", {"weight": 2.0}, 2 * 4, 2 * 2 * 2 * 3),
    ],
)
def test_value_and_gradient_by_hand(name, options, value, slope):
    result = penalise(make_penalty(name, options), rows_of_norm(3.0, 0.5))
    assert result[0] == pytest.approx(value, rel=1e-4)
    assert result[1] == pytest.approx(slope, rel=1e-4)


def test_one_sided_maximum_is_zero_for_small_norms():
    assert penalise(make_penalty("max_lp", {}), rows_of_norm(0.9, 0.5))[:2] == (0.0, 0.0)


def test_several_largest_points_share_the_penalty_of_one_maximum():
    value, slope, result = penalise(make_penalty("max_gp", {"weight": 1.0}), rows_of_norm(2, 2, 1))
    assert (value, slope) == pytest.approx((4.0, 8.0), rel=1e-5)
    terms = result.terms["penalty"].numpy()
    assert terms == pytest.approx([6.0, 6.0, 0.0], rel=1e-5)


def test_real_and_fake_points_are_told_apart():
    real, fake = rows_of_norm(1.0, 1.0), rows_of_norm(3.0, 3.0)
    assert penalise(make_penalty("r1", {"weight": 2.0}), real, fake=fake)[0] == pytest.approx(1.0)
    assert penalise(make_penalty("r2", {"weight": 2.0}), real, fake=fake)[0] == pytest.approx(9.0)
    both = penalise(make_penalty("r1_r2", {"weight": 2.0}), real, fake=fake)
    assert both[0] == pytest.approx(10.0)
    assert both[2].logs["gradient_norm"].numpy() == pytest.approx([1.0, 1.0])
    assert both[2].logs["gradient_norm_fake"].numpy() == pytest.approx([3.0, 3.0])
    between = penalise(make_penalty("max_gp", {"weight": 1.0}), real, fake=fake)[0]
    assert 1.0 < between < 9.0


def test_interpolates_have_one_coefficient_per_sample():
    real, fake = tf.zeros((64, 2, 2, 1)), tf.ones((64, 2, 2, 1))
    points = interpolates(real, fake, noise_of(64)).numpy().reshape(64, 4)
    assert np.ptp(points, axis=1).max() == 0.0
    assert points.min() < 0.1 and points.max() > 0.9


def test_dragan_points_are_near_the_real_images_whatever_the_fake():
    penalty = make_penalty("dragan", {"noise_scale": 0.25})
    real = tf.zeros((64, 4, 4, 1))
    offsets = penalty.points(real, real + 9.0, noise_of(64)).numpy()
    assert 0.0 <= offsets.min() and 0.2 < offsets.max() <= 0.25
    assert np.ptp(offsets[0]) > 0  # The noise differs between pixels.


@pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].differentiates])
def test_a_constant_critic_gives_finite_values_and_gradients(name):
    """`sqrt` has no finite gradient at zero; `norm_per_sample` has one."""
    critic = Scale((2, 1, 2), factor=0.0)
    penalty = make_penalty(name, {})
    penalty.prepare(critic)
    images = rows_of_norm(1.0, 2.0)
    for score in (critic, lambda v: tf.zeros(len(v)) + 0.0 * critic.factor.value):
        with tf.GradientTape() as tape:
            result = penalty.terms(score, images, images, noise_of(2), tf.constant(2.0))
            mean = tf.reduce_mean(result.terms["penalty"])
        gradient = tape.gradient(mean, critic.factor.value, unconnected_gradients="zero")
        assert np.isfinite(mean) and np.isfinite(gradient)


def test_augmented_lagrangian_moves_its_multiplier_after_the_step():
    """With h = 3 - 1 = 2 the loss is 4 + 0 * 2. Then mu = 0.5 * 2 = 1 and the loss is 4 + 1 * 2."""
    penalty = make_penalty("max_al", {"weight": 1.0, "multiplier_rate": 0.5})
    images = rows_of_norm(3.0, 1.0)
    value, _, result = penalise(penalty, images)
    assert value == pytest.approx(4.0, rel=1e-5) and float(penalty.multiplier.numpy()) == 0.0
    penalty.after_step(None, result.found)
    assert float(penalty.multiplier.numpy()) == pytest.approx(1.0, rel=1e-5)
    value, slope, result = penalise(penalty, images)
    assert value == pytest.approx(6.0, rel=1e-5)
    assert slope == pytest.approx((2 * 2 + 1) * 3, rel=1e-5)
    assert float(result.logs["multiplier"][0]) == pytest.approx(1.0, rel=1e-5)


def test_augmented_lagrangian_of_the_inequality_is_zero_for_small_norms():
    """With h = -0.5, the equality raises the norm; the inequality does not, and mu stays 0."""
    images = rows_of_norm(0.5)
    equality = penalise(make_penalty("max_al", {"weight": 1.0}), images)
    assert equality[0] == pytest.approx(0.25, rel=1e-4) and equality[1] < 0
    penalty = make_penalty("max_al", {"inequality": True, "multiplier_rate": 1.0})
    value, slope, result = penalise(penalty, images)
    assert (value, slope) == (0.0, 0.0)
    penalty.after_step(None, result.found)
    assert float(penalty.multiplier.numpy()) == 0.0


@pytest.mark.parametrize(("mode", "replaced"), [("append", 0), ("replace", 2)])
def test_buffer_keeps_the_points_of_largest_norm_for_the_next_step(mode, replaced):
    penalty = make_penalty("max_gp", {"weight": 1.0, "buffer": 2, "buffer_mode": mode})
    critic = Scale((2, 1, 2))
    penalty.prepare(critic)
    size = tf.constant(4.0)
    first, second = rows_of_norm(1, 5, 2, 4), rows_of_norm(3, 3, 1, 1)
    result = penalty.terms(critic, first, first, noise_of(4), size)
    assert float(tf.reduce_mean(result.terms["penalty"])) == pytest.approx(25.0, rel=1e-5)
    penalty.after_step(critic, result.found)
    np.testing.assert_allclose(penalty.kept_norms.numpy(), [5.0, 4.0], rtol=1e-5)
    np.testing.assert_allclose(penalty.kept.numpy(), tf.gather(first, [1, 3]), rtol=1e-5)
    result = penalty.terms(critic, second, second, noise_of(4), size)
    assert float(tf.reduce_mean(result.terms["penalty"])) == pytest.approx(25.0, rel=1e-5)
    norms = result.found["norms"].numpy()
    assert (norms > 3.5).sum() == replaced
    penalty.after_step(critic, result.found)
    np.testing.assert_allclose(penalty.kept_norms.numpy(), [5.0, 4.0], rtol=1e-5)


def test_a_buffer_larger_than_the_batch_stays_partly_empty():
    penalty = make_penalty("max_gp", {"buffer": 3, "buffer_mode": "append"})
    images = rows_of_norm(2.0)
    _, _, result = penalise(penalty, images)
    penalty.after_step(None, result.found)
    np.testing.assert_allclose(penalty.kept_norms.numpy(), [2.0, -1.0, -1.0], rtol=1e-5)
    assert penalty.terms(Scale((2, 1, 2)), images, images, noise_of(1), tf.constant(1.0)).logs[
        "max_gradient_norm"
    ].numpy() == pytest.approx(2.0, rel=1e-5)


@pytest.mark.parametrize("when", ["before", "after"])
def test_clipping_clips_every_weight_of_the_critic_before_or_after_the_step(when):
    critic = DCGANCritic((16, 16, 1), filters=4, normalization="batch")
    penalty = make_penalty("clip", {"bound": 0.01, "when": when})
    penalty.prepare(critic)
    statistics = [np.array(v) for v in critic.non_trainable_variables]
    other, own = (penalty.after_step, penalty.before_step)
    calls = [lambda: other(critic, {}), lambda: own(critic)]
    if when == "after":
        calls.reverse()
    largest = []
    for call in calls:
        call()
        largest.append(max(np.abs(v.numpy()).max() for v in critic.trainable_variables))
    assert largest[0] > 0.9  # The gamma of the batch norm is not clipped yet.
    assert largest[1] == np.float32(0.01)
    for before, variable in zip(statistics, critic.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(before, variable.numpy())


def test_rescaling_brings_the_mean_weight_down_to_its_bound_after_the_step():
    """One factor scales all weights, including gammas, and small weights do not change."""
    critic = DCGANCritic((16, 16, 1), filters=4, normalization="batch")
    penalty = make_penalty("rescale", {"bound": 0.005})
    penalty.prepare(critic)
    before = [np.array(v) for v in critic.trainable_variables]
    mean = np.abs(np.concatenate([np.ravel(v) for v in before])).mean()
    assert mean > 0.005
    penalty.before_step(critic)
    np.testing.assert_array_equal(before[0], critic.trainable_variables[0])
    for _ in range(2):  # The second call does not change the weights.
        penalty.after_step(critic, {})
        for old, variable in zip(before, critic.trainable_variables, strict=True):
            np.testing.assert_allclose(variable, old * 0.005 / mean, rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].differentiates])
def test_batch_normalisation_is_refused_with_the_reason(name):
    critic = DCGANCritic((16, 16, 1), filters=4, normalization="batch")
    with pytest.raises(ValueError, match="batch normalisation .* 'layer' or 'none'"):
        make_penalty(name, {}).prepare(critic)
    make_penalty(name, {}).prepare(DCGANCritic((16, 16, 1), filters=4, normalization="layer"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gpp", {}, "Did you mean 'gp'"),
        ("max_gp", {"power": 2}, "no option 'power'; it has weight, buffer, buffer_mode"),
        ("gp", {"weight": -1.0}, "`weight` must be a number, at least 0"),
        ("direct", {"power": 3}, "`power` must be 1 or 2"),
        ("dragan", {"noise_scale": 0.0}, "noise_scale"),
        ("max_gp", {"buffer": -1}, "buffer"),
        ("max_gp", {"buffer_mode": "swap"}, "append"),
        ("max_al", {"weight": 0.0}, "`weight` must be a number, positive"),
        ("max_al", {"multiplier_rate": -1.0}, "multiplier_rate"),
        ("cr", {"augmentation": "none"}, "`augmentation` none compares an image with itself"),
        ("bcr", {"augmentation": "flp"}, "Did you mean 'flip'"),
        ("clip", {"bound": 0.0}, "bound"),
        ("clip", {"when": "never"}, "before"),
        ("rescale", {"bound": 0.0}, "bound"),
    ],
)
def test_invalid_options_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        make_penalty(name, options)


def test_options_are_those_of_the_class_with_their_defaults():
    assert penalty_options("max_gp") == {"weight": 0.1, "buffer": 0, "buffer_mode": "replace"}
    assert penalty_options("clip") == {"bound": 0.01, "when": "before"}
