"""Tests of toy data sets, which are points with known modes."""

import numpy as np
import pytest
import tensorflow as tf

from training import data as data_sets
from training.data.image_data import Split
from training.data.pipeline import Stream, training_dataset
from training.data.toys import MIXTURES
from zoo.errors import UserError
from zoo.images import to_float


@pytest.mark.parametrize(("name", "modes", "deviation"), [("ring", 8, 0.01), ("grid", 25, 0.02)])
def test_toy_is_points_around_its_centres(name, modes, deviation):
    data = data_sets.load(name)
    assert data.image_shape == (2,)
    assert data.num_classes == modes
    points, labels = data.train.images, data.train.labels
    assert points.dtype == np.float32
    centres = MIXTURES[name].centres
    assert len(np.unique(np.round(centres, 6), axis=0)) == modes
    offsets = points - centres[labels]
    np.testing.assert_allclose(offsets.std(axis=0), deviation, rtol=0.03)
    np.testing.assert_array_equal(np.bincount(labels), len(points) // modes)


def test_ring_has_radius_1_and_no_mode_twice():
    """The released script includes both ends, which gives one mode twice the weight."""
    centres = MIXTURES["ring"].centres
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1.0)
    gaps = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(np.pi / 8))


def test_grid_covers_the_square_in_steps_of_one_half():
    centres = MIXTURES["grid"].centres
    for axis in (0, 1):
        np.testing.assert_allclose(np.unique(centres[:, axis]), [-1, -0.5, 0, 0.5, 1])


def test_toy_is_the_same_each_time_and_its_splits_differ():
    one, two = data_sets.load("ring"), data_sets.load("ring")
    np.testing.assert_array_equal(one.train.images, two.train.images)
    assert np.abs(one.test.images - one.validation.images).max() > 0


def test_points_run_through_the_pipeline_and_are_not_augmented():
    data = data_sets.load("ring")
    options = {"batch_size": 6, "seed": 0, "strategy": tf.distribute.get_strategy()}
    stream = {"real": Stream(data.train, with_labels=True)}
    batch = next(iter(training_dataset(stream, critic_steps=2, **options)))["real"]
    assert batch["images"].shape == (12, 2)
    distance = np.linalg.norm(batch["images"] - MIXTURES["ring"].centres[batch["labels"]], axis=1)
    assert distance.max() < 0.06
    for augmentation in ({"shift": 1}, {"flip": True}, {"rotate": 5.0}, {"zoom": 0.1}):
        with pytest.raises(UserError, match="are for images; these are points"):
            training_dataset(stream, **augmentation, **options)


@pytest.mark.parametrize(
    "option", [{"image_size": 32}, {"data_dir": "somewhere"}, {"manual_dir": "somewhere"}]
)
def test_option_without_effect_on_a_toy_is_an_error(option):
    with pytest.raises(UserError, match="--(image-size|data-dir|manual-dir)"):
        data_sets.load("grid", **option)


@pytest.mark.parametrize(
    "points", [np.zeros((3, 2), np.float64), np.zeros((3, 2), np.uint8), np.zeros(3, np.float32)]
)
def test_points_of_another_dtype_or_rank_are_refused(points):
    with pytest.raises(ValueError, match=r"or float32 points \[N, D\]"):
        Split(points)


def test_networks_see_points_as_they_are_and_images_scaled():
    points = np.array([[3.0, -7.0], [0.5, 0.0]], np.float32)
    np.testing.assert_array_equal(Split(points).inputs(1), points[:1])
    images = np.arange(0, 256, 51, dtype=np.uint8).reshape(6, 1, 1, 1)
    seen = Split(images).inputs(6)
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(seen, to_float(images))
    np.testing.assert_allclose(seen[[0, -1], 0, 0, 0], [-1.0, 1.0])
