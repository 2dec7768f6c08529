"""Objectives against values worked by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from zoo.models.class_losses import class_losses, labelled_loss, unlabelled_loss
from zoo.models.least_squares import SCHEMES, squared_distance
from zoo.models.margins import MARGIN_SCALE, hinge, margin


def test_class_losses_without_the_extra_class_are_cross_entropy():
    """a = (ln 1, ln 2, ln 5): softmax (1, 2, 5)/8."""
    losses = class_losses(tf.math.log([[1.0, 2.0, 5.0]]), extra_class=False)
    np.testing.assert_allclose(losses, [[math.log(8), math.log(4), math.log(8 / 5)]], rtol=1e-6)


def test_class_losses_with_the_extra_class_share_with_logit_zero():
    """The same logits beside e^0 = 1: (1, 2, 5)/9 (methods: L = softplus(lse) - a_l)."""
    losses = class_losses(tf.math.log([[1.0, 2.0, 5.0]]), extra_class=True)
    np.testing.assert_allclose(losses, [[math.log(9), math.log(4.5), math.log(1.8)]], rtol=1e-6)


def test_class_losses_stay_finite_for_huge_logits():
    logits = tf.constant([[1e4, -1e4], [-1e4, -2e4]])
    for extra_class in (False, True):
        assert np.isfinite(class_losses(logits, extra_class=extra_class)).all()


def test_labelled_and_unlabelled_loss_pick_the_class_and_the_minimum():
    losses = tf.constant([[3.0, 1.0, 2.0], [0.5, 4.0, 6.0]])
    np.testing.assert_array_equal(labelled_loss(losses, tf.constant([2, 1])), [2.0, 4.0])
    np.testing.assert_array_equal(unlabelled_loss(losses), [1.0, 0.5])


def test_prediction_by_least_loss_is_the_greatest_logit_with_and_without_the_extra_class():
    logits = tf.random.stateless_normal((50, 7), (1, 2))
    for extra_class in (False, True):
        predicted = tf.argmin(class_losses(logits, extra_class=extra_class), axis=-1)
        np.testing.assert_array_equal(predicted, tf.argmax(logits, axis=-1))


@pytest.mark.parametrize(
    ("shape", "tau"), [((64, 64, 3), 0.0002), ((32, 32, 3), 0.0008)], ids=["64x64", "32x32"]
)
def test_default_margin_is_both_official_settings(shape, tau):
    """The released scripts sum |x - g| over pixels and multiply by tau."""
    real, fake = (tf.random.stateless_uniform((4, *shape), (i, 0), -1, 1) for i in (1, 2))
    summed = tau * tf.reduce_sum(tf.abs(real - fake), axis=(1, 2, 3))
    np.testing.assert_allclose(margin(real, fake), summed, rtol=1e-5)
    assert MARGIN_SCALE == 2.4576


def test_margin_is_absolute_before_the_mean_and_pairs_by_index():
    """|sum(x - g)| would be 0 here, sum |x - g| is not."""
    real = tf.reshape(tf.constant([1.0, -1.0, 0.0, 0.0]), (2, 1, 2, 1))
    fake = tf.zeros((2, 1, 2, 1))
    np.testing.assert_allclose(margin(real, fake, scale=2.0), [2.0, 0.0])


def test_margin_gives_no_gradient_to_the_generator():
    fake = tf.Variable(tf.zeros((1, 2, 2, 1)))
    with tf.GradientTape() as tape:
        value = margin(tf.ones((1, 2, 2, 1)), fake)
    assert tape.gradient(value, fake) is None


def test_hinge_values_and_gradient():
    """Delta + L(x) - L(g): 0.5 + 1 - 2 < 0 is cut, 0.5 + 1 - 1.2 = 0.3 is not."""
    real, fake = tf.constant([1.0, 1.0]), tf.Variable([2.0, 1.2])
    with tf.GradientTape() as tape:
        value = hinge(tf.constant([0.5, 0.5]), real, fake)
    np.testing.assert_allclose(value, [0.0, 0.3], atol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, fake), [0.0, -1.0])


def test_least_squares_is_a_half_square_per_sample():
    """A value per sample: a batch sum would change the balance with a penalty."""
    np.testing.assert_allclose(squared_distance(tf.constant([3.0, -1.0, 1.0]), 1.0), [2, 2, 0])


def test_least_squares_schemes():
    a, b, c = SCHEMES["pearson"]
    assert (b - c, b - a) == (1.0, 2.0)
    assert SCHEMES["binary"] == (0.0, 1.0, 1.0)
