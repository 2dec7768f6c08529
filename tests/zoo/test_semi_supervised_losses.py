"""Losses of unlabelled images: values by hand, and the directions of their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from zoo.models import semi_supervised_losses as losses
from zoo.models.semi_supervised import ramp

LOGITS = np.log([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]).astype("float32")
OTHERS = np.log([[3.0, 3.0, 2.0], [4.0, 3.0, 1.0]]).astype("float32")
P = np.array([[0.125, 0.25, 0.625], [0.5, 0.375, 0.125]])
Q = np.array([[0.375, 0.375, 0.25], [0.5, 0.375, 0.125]])
FEATURES = np.array([[1.0, 2.0], [0.0, 0.0]], "float32")
OTHER_FEATURES = np.array([[1.0, 4.0], [0.0, 0.0]], "float32")


def test_the_distance_of_probabilities_is_the_mean_of_squares():
    expected = [(0.25**2 + 0.125**2 + 0.375**2) / 3, 0.0]
    np.testing.assert_allclose(losses.probability_distance(LOGITS, OTHERS), expected, atol=1e-6)


def test_the_consistency_adds_a_tenth_of_the_distance_of_features():
    """The squares sum over the classes, and average over the features: 0.1 * (0 + 4) / 2."""
    found = losses.consistency_distance(LOGITS, FEATURES, OTHERS, OTHER_FEATURES)
    expected = [0.25**2 + 0.125**2 + 0.375**2 + 0.2, 0.0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_entropy_and_divergence():
    np.testing.assert_allclose(losses.entropy(LOGITS), -np.sum(P * np.log(P), 1), rtol=1e-5)
    found = losses.divergence(LOGITS, OTHERS)
    np.testing.assert_allclose(found, np.sum(P * np.log(P / Q), 1), rtol=1e-5, atol=1e-7)


def test_the_imbalance_is_the_divergence_of_the_mean_from_equal_shares():
    mean = P.mean(axis=0)
    expected = np.sum(mean * np.log(3 * mean))
    assert float(losses.class_imbalance(LOGITS)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.class_imbalance(tf.zeros((4, 3)))) == pytest.approx(0.0, abs=1e-6)
    sure = tf.constant([[90.0, 0.0, 0.0]])
    assert float(losses.class_imbalance(sure)) == pytest.approx(np.log(3), rel=1e-5)


def test_the_distance_of_mean_features_reaches_the_fakes_alone():
    real, fake = tf.constant(FEATURES), tf.constant(OTHER_FEATURES + 1.0)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        value = losses.mean_feature_distance(real, fake)
    # Means (0.5, 1) and (1.5, 3): (1 + 4) / 2. The gradient is 2 (fake - real) / (d m).
    assert float(value) == pytest.approx(2.5)
    real_gradient, fake_gradient = tape.gradient(value, [real, fake])
    assert real_gradient is None
    np.testing.assert_allclose(fake_gradient, [[0.5, 1.0]] * 2)


def test_each_gradient_points_the_right_way():
    """A step down reduces the entropy and the imbalance, and moves a student to its teacher."""
    cases = {
        "entropy": lambda a: tf.reduce_mean(losses.entropy(a)),
        "imbalance": losses.class_imbalance,
        "distance": lambda a: tf.reduce_mean(losses.probability_distance(a, OTHERS)),
    }
    for name, loss in cases.items():
        logits = tf.constant(LOGITS)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(logits)
        moved = logits - 0.1 * tape.gradient(value, logits)
        assert float(loss(moved)) < float(value), name


def test_the_worst_direction_is_the_one_that_the_prediction_depends_on():
    """The logits are 3 times the first pixel: no other direction changes them."""
    images = tf.zeros((2, 2, 2, 1))

    def predict(points):
        first = 3.0 * points[:, 0, 0, 0]
        return tf.stack([first, -first], axis=1)

    start = tf.random.stateless_normal(images.shape, (0, 1))
    found = losses.virtual_adversarial_direction(
        predict, images, predict(images), start, step=3e-4
    ).numpy()
    rest = np.delete(found.reshape(2, 4), 0, axis=1)
    np.testing.assert_allclose(np.abs(found[:, 0, 0, 0]), 2.0, rtol=1e-4)  # Root mean square 1.
    np.testing.assert_allclose(rest, 0.0, atol=1e-6)
    flat = losses.virtual_adversarial_direction(
        lambda points: tf.zeros((2, 2)), images, tf.zeros((2, 2)), start, step=3e-4
    )
    np.testing.assert_array_equal(flat, 0.0)


def test_the_worst_direction_beats_a_random_one():
    weights = tf.random.stateless_normal((16, 3), (3, 1))
    images = tf.random.stateless_normal((4, 4, 4, 1), (5, 1))

    def predict(points):
        return tf.matmul(tf.reshape(points, [-1, 16]), weights)

    start = tf.random.stateless_normal(images.shape, (7, 1))
    direction = losses.virtual_adversarial_direction(
        predict, images, predict(images), start, step=3e-4
    )
    size = tf.sqrt(tf.reduce_mean(tf.square(start), axis=(1, 2, 3), keepdims=True))

    def change(direction):
        return losses.divergence(predict(images), predict(images + 0.1 * direction)).numpy()

    assert np.all(change(direction) > change(start / size))


def test_means_over_the_global_batch_have_the_gradient_of_one_replica():
    strategy = replicas(2)
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")

    def gradient(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            value = losses.class_imbalance(rows)
            # The share of a replica with half of the rows.
            share = value * tf.cast(tf.shape(rows)[0], tf.float32) / 4.0
        return tape.gradient(share, rows), value

    @tf.function
    def on_replicas():
        def one(context=None):
            place = tf.distribute.get_replica_context().replica_id_in_sync_group
            return gradient(tf.constant(logits)[2 * place : 2 * place + 2])

        return strategy.run(one)

    expected, value = gradient(tf.constant(logits))
    parts, values = (strategy.experimental_local_results(one) for one in on_replicas())
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(values, [value] * 2, rtol=1e-5)


def test_a_ramp_starts_late_and_ends_at_one():
    found = [
        float(ramp(tf.constant(step, tf.int64), start=4, length=2)) for step in (0, 4, 5, 6, 9)
    ]
    assert found == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert [float(ramp(tf.constant(s, tf.int64), start=4, length=0)) for s in (3, 4)] == [0.0, 1.0]
