"""The streams of a recipe: views, several unlabelled images per sample, and their slicing."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import build, tiny_data, tiny_recipe, train, weights
from tests.support.devices import replicas
from training.streams import batches, label_map_of, streams_of
from zoo.errors import UserError

VIEWS = {"strong": 0.5, "cutout": 0.25, "strong_labelled": 0.5}


def streams(recipe):
    data = tiny_data()
    return streams_of(recipe, data, label_map_of(recipe, data))


def test_unlabelled_images_are_shown_in_the_strong_view():
    found = streams(tiny_recipe("clsgan", unlabelled_batches=3, **VIEWS))
    assert (found["labelled"].multiple, found["unlabelled"].multiple) == (1, 3)
    assert (found["labelled"].strong_share, found["unlabelled"].strong_share) == (0.5, 1.0)


@pytest.mark.parametrize("options", [{"strong": 0.5}, {"cutout": 0.25}])
def test_one_of_the_two_options_makes_a_strong_view(options):
    found = streams(tiny_recipe("clsgan", **options))
    assert (found["labelled"].strong_share, found["unlabelled"].strong_share) == (0.0, 1.0)


def test_the_views_are_off_by_default():
    found = streams(tiny_recipe("clsgan"))
    assert all(one.strong_share == 0.0 and one.multiple == 1 for one in found.values())


@pytest.mark.parametrize("options", [{"strong": 0.5}, {"cutout": 0.25}])
def test_a_model_without_labels_refuses_a_strong_view(options):
    with pytest.raises(UserError, match="--strong and --cutout are for models .*; lsgan does not"):
        streams(tiny_recipe("lsgan", **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strong_labelled": 0.5}, "--strong-labelled 0.5 has no effect without a strong view"),
        ({"strong": 1.5}, "--strong must be a number, from 0 to 1"),
        ({"cutout": 1.0}, "--cutout must be a number, at least 0 and below 1"),
        (
            {"strong": 1.0, "strong_labelled": 1.5},
            "--strong-labelled must be a number, from 0 to 1",
        ),
        ({"unlabelled_batches": 0}, "--unlabelled-batches must be an integer, at least 1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        tiny_recipe("clsgan", **options).check()


def test_a_model_must_take_as_many_images_as_the_stream_has():
    recipe = tiny_recipe("clsgan", unlabelled_batches=3)
    model = build(recipe)
    model.stream_multiples = {}
    with pytest.raises(ValueError, match="'unlabelled' has 3 images per sample.*model takes 1"):
        batches(recipe, model, streams(recipe))


@pytest.mark.parametrize("with_index", [True, False])
def test_a_step_slices_each_stream_by_its_multiple(with_index):
    """Two critic batches of four samples, with three unlabelled images each."""
    model = build(tiny_recipe("clsgan", critic_steps=2))
    model.stream_multiples = {"unlabelled": 3}

    def numbered(count):
        values = np.arange(count, dtype=np.uint8)[:, None, None, None]
        return tf.constant(np.broadcast_to(values, (count, 8, 8, 1)))

    data = {
        "labelled": {"images": numbered(8), "labels": tf.zeros([8], tf.int64)},
        "unlabelled": {"images": numbered(24), "plain": numbered(24)},
    }
    if with_index:
        data["index"] = tf.range(4, dtype=tf.int64)
    parts, noise, global_batch = model.unpack(data)
    assert float(global_batch) == 4.0
    assert noise.several(3).index.numpy().tolist() == list(range(12))
    for k, part in enumerate(parts):
        for name, rows in (("labelled", 4), ("unlabelled", 12)):
            pixels = (part[name].images.numpy()[:, 0, 0, 0] + 1.0) * 127.5
            expected = np.arange(k * rows, (k + 1) * rows)
            np.testing.assert_allclose(pixels, expected, atol=1e-3)
        np.testing.assert_array_equal(part["unlabelled"].plain, part["unlabelled"].images)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_train_as_one_on_views_and_several_unlabelled_images(count):
    """Ten samples on four replicas are split 3, 3, 2 and 2."""
    recipe = tiny_recipe(
        "clsgan", unlabelled_batches=3, shift=1, optimizer="sgd", beta_1=0.0, **VIEWS
    )
    results = []
    for number in (1, count):
        model = build(recipe, replicas(number))
        train(model, recipe, tiny_data(), steps=4)
        results.append(weights(model))
    for left, right in zip(*results, strict=True):
        assert np.abs(left - right).max() <= 1e-4 * max(np.abs(left).max(), 1e-2)
