"""Consistency regularisation: values by hand, and what it asks of a critic."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train
from tests.support.quadratic_critic import noise_of
from zoo.augmentation import augment
from zoo.networks import DCGANCritic, MLPCritic
from zoo.penalties import make_penalty


def corner(images):
    """A critic that reads the upper left pixel; a flip exchanges it with the upper right one."""
    return images[:, 0, 0, 0]


def test_the_score_of_an_image_is_compared_with_that_of_its_mirror_image():
    """Pixels 1 and 4: a mirrored image changes the score by 3, and 10 * 3^2 = 90."""
    images = tf.tile(tf.reshape([1.0, 4.0], (1, 1, 2, 1)), (64, 1, 1, 1))
    penalty = make_penalty("cr", {"augmentation": "flip"})
    noise = noise_of(64)
    values = penalty.terms(corner, images, 0.0 * images, noise, tf.constant(64.0)).terms["penalty"]
    mirrored = corner(augment(images, "flip", noise.child("real"))) == 4.0
    assert 20 < mirrored.numpy().sum() < 44
    np.testing.assert_allclose(values, np.where(mirrored, 90.0, 0.0))


def test_the_balanced_penalty_adds_that_of_the_fakes():
    real, fake = (tf.random.stateless_normal((64, 4, 4, 1), (i, 0)) for i in (0, 1))

    def value(name, *images):
        penalty = make_penalty(name, {"weight": 2.0, "augmentation": "flip"})
        terms = penalty.terms(corner, *images, noise_of(64), tf.constant(64.0)).terms
        return float(tf.reduce_mean(terms["penalty"]))

    assert value("bcr", real, 0.0 * fake) == pytest.approx(value("cr", real, fake), rel=1e-6)
    assert value("bcr", real, fake) > value("cr", real, fake) > 0.0


def test_a_critic_with_batch_normalisation_is_allowed_and_one_of_points_is_not():
    make_penalty("cr", {}).prepare(DCGANCritic((8, 8, 1), filters=4, normalization="batch"))
    with pytest.raises(ValueError, match=r"takes points of shape \(2,\)"):
        make_penalty("cr", {}).prepare(MLPCritic((2,), units=4))


def test_the_penalty_keeps_the_score_from_changing():
    data = tiny_data()
    changes = {}
    for weight in (0.0, 100.0):
        recipe = tiny_recipe("hinge", penalty="bcr", penalty_weight=weight, critic_filters=16)
        model = build(recipe.with_options(penalty_augmentation="translation"))
        train(model, recipe, data, steps=60)
        images = tf.constant(data.train.images[:30], tf.float32) / 127.5 - 1.0
        moved = augment(images, "translation", noise_of(30))
        changes[weight] = float(tf.reduce_mean(tf.abs(model.critic(images) - model.critic(moved))))
    assert changes[100.0] < 0.5 * changes[0.0]
