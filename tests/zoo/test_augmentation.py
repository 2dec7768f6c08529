"""Differentiable augmentation: values, gradients, stateless noise, and its place in a step."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train, weights
from tests.support.quadratic_critic import noise_of
from zoo.augmentation import CHANGES, augment, changes_of
from zoo.models import HingeGAN
from zoo.networks import MLPCritic, MLPGenerator
from zoo.options import StepOptions

EVERYTHING = "color,translation,cutout,flip"
IMAGES = tf.random.stateless_uniform((64, 16, 16, 3), (0, 1), -1.0, 1.0)


def test_a_translation_moves_whole_images_by_up_to_an_eighth():
    images = np.zeros((64, 16, 16, 1), np.float32)
    images[:, 8, 8] = 1.0
    moved = augment(tf.constant(images), "translation", noise_of(64)).numpy()
    places = np.argwhere(moved[..., 0] == 1.0)
    np.testing.assert_array_equal(places[:, 0], np.arange(64))
    assert moved.sum() == 64.0
    assert set(map(tuple, places[:, 1:] - 8)) <= {
        (i, j) for i in range(-2, 3) for j in range(-2, 3)
    }
    assert set(places[:, 1] - 8) == set(places[:, 2] - 8) == set(range(-2, 3))


def test_what_a_translation_uncovers_is_grey():
    moved = augment(tf.ones((64, 16, 16, 1)), "translation", noise_of(64)).numpy()
    assert set(np.unique(moved)) == {0.0, 1.0}
    assert {len(np.unique(image)) for image in moved} == {1, 2}


def test_a_cutout_hides_at_most_a_quarter():
    left = augment(tf.ones((256, 16, 16, 1)), "cutout", noise_of(256)).numpy()[..., 0]
    hidden = (left == 0.0).sum(axis=(1, 2))
    assert hidden.max() == 64 and 1 <= hidden.min() < 20
    first = left[np.argmax(hidden)] == 0.0
    assert first.any(axis=0).sum() == first.any(axis=1).sum() == 8


def test_a_flip_mirrors_about_half_of_the_images():
    flipped = augment(IMAGES, "flip", noise_of(64)).numpy()
    same = np.array([(a == b).all() for a, b in zip(flipped, IMAGES.numpy(), strict=True)])
    assert 20 < same.sum() < 44
    np.testing.assert_array_equal(flipped[~same], IMAGES.numpy()[~same][:, :, ::-1])


def test_color_has_the_ranges_of_the_paper():
    """A grey image only gets brighter; the factors show on pixels and on whole images."""
    grey = augment(tf.zeros((256, 4, 4, 3)), "color", noise_of(256)).numpy()
    assert np.ptp(grey, axis=(1, 2, 3)).max() < 1e-6
    assert -0.5 <= grey.min() < -0.45 and 0.45 < grey.max() < 0.5
    one_color = np.tile([-0.3, 0.0, 0.3], (256, 4, 4, 1)).astype("float32")
    span = np.ptp(augment(tf.constant(one_color), "color", noise_of(256)).numpy(), axis=(1, 2, 3))
    assert 0.0 <= span.min() < 0.05 and 1.2 < span.max() < 0.6 * 3.0
    stripes = np.tile([[-0.5], [0.5]], (256, 4, 2, 3)).astype("float32").reshape(256, 4, 4, 3)
    stripes = np.repeat(stripes[..., :1], 3, axis=3)
    span = np.ptp(augment(tf.constant(stripes), "color", noise_of(256)).numpy(), axis=(1, 2, 3))
    assert 0.5 <= span.min() < 0.55 and 1.45 < span.max() < 1.5


@pytest.mark.parametrize("policy", [*CHANGES, EVERYTHING])
def test_rows_do_not_depend_on_the_replica_and_steps_differ(policy):

    def changed(first, *, step=0, jit=False):
        run = tf.function(
            lambda: augment(IMAGES[first:], policy, noise_of(64 - first, first, step)),
            jit_compile=jit,
        )
        return run().numpy()

    whole = changed(0)
    np.testing.assert_allclose(changed(24), whole[24:], atol=1e-6)
    np.testing.assert_allclose(changed(0, jit=True), whole, atol=1e-6)
    assert np.abs(changed(0, step=1) - whole).max() > 0.1


def test_gradients_flow_to_the_pixels_that_are_seen():
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        seen = augment(IMAGES, "translation,cutout", noise_of(64))
        total = tf.reduce_sum(seen)
    gradient = tape.gradient(total, IMAGES)
    assert set(np.unique(gradient)) == {0.0, 1.0}
    kept = tf.cast(seen != 0.0, tf.float32)
    np.testing.assert_allclose(
        tf.reduce_sum(gradient, axis=(1, 2, 3)), tf.reduce_sum(kept, axis=(1, 2, 3))
    )


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("colour", "Unknown change of images 'colour'.*Did you mean 'color'"),
        ("color,,flip", "Unknown change of images ''.*Separate several by commas"),
        ("color,color", "Each change of images may occur once"),
        ("none,color", "Unknown change of images 'none'"),
    ],
)
def test_a_policy_that_does_not_exist_is_refused(policy, message):
    with pytest.raises(ValueError, match=message):
        changes_of(policy)
    with pytest.raises(ValueError, match=f"`differentiable_augmentation`: {message}"):
        StepOptions(differentiable_augmentation=policy).check()


def test_points_are_refused():
    with pytest.raises(ValueError, match=r"takes points of shape \(2,\).*none"):
        HingeGAN(
            MLPGenerator((2,), latent_dim=2, units=4),
            MLPCritic((2,), units=4),
            step=StepOptions(differentiable_augmentation="color"),
        )


def test_the_critic_sees_both_kinds_of_images_changed_in_both_steps(monkeypatch):
    seen = []

    def spy(images, policy, noise):
        seen.append((policy, noise.stream))
        return augment(images, policy, noise)

    monkeypatch.setattr("zoo.models.adversarial.augment", spy)
    recipe = tiny_recipe("hinge", differentiable_augmentation="translation")
    train(build(recipe), recipe, tiny_data(), steps=1)
    assert [policy for policy, _ in seen] == ["translation"] * 4
    assert sorted(stream for _, stream in seen) == [
        "/critic_0/fake/augment",
        "/critic_0/real/augment",
        "/generator/fake/augment",
        "/generator/real/augment",
    ]


def test_augmentation_changes_training():
    results = []
    for policy in ("none", EVERYTHING):
        recipe = tiny_recipe("wgan_gp", differentiable_augmentation=policy)
        model = build(recipe)
        logs = train(model, recipe, tiny_data(), steps=2)
        assert np.isfinite(list(logs.values())).all()
        results.append(weights(model))
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(*results, strict=True))
