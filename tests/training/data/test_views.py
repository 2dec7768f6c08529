"""The strong view: range, shares, areas, and independence of the other rows."""

import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from tests.training.data.test_pipeline import assert_equal, global_batches
from training.data.image_data import Split
from training.data.pipeline import Stream
from training.data.views import DRAWS, StrongView, views
from zoo.errors import UserError

STRONG = StrongView(strength=1.0, cutout=0.5)


def pictures(count, shape=(9, 12, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def draws(count, seed=1):
    return np.random.default_rng(seed).uniform(size=(count, DRAWS)).astype("float32")


def no_change(count):
    """Draws that are in the half without a change."""
    return np.full((count, DRAWS), 0.5, "float32")


def seen(view, images, numbers):
    return view.apply(tf.constant(images), tf.constant(numbers)).numpy()


@pytest.mark.parametrize(
    "shape", [(8, 8, 1), (9, 12, 3), (6, 5, 2), (32, 32, 3), (1, 1, 3), (1, 4, 1)]
)
def test_shape_and_type_stay(shape):
    images = pictures(5, shape)
    result = seen(STRONG, images, draws(5))
    assert result.shape == images.shape and result.dtype == np.uint8


@pytest.mark.parametrize("channels", [1, 3])
def test_without_changes_an_image_stays_as_it_is(channels):
    images = pictures(6, (9, 12, channels))
    np.testing.assert_array_equal(seen(StrongView(strength=1.0), images, no_change(6)), images)
    np.testing.assert_array_equal(seen(StrongView(), images, draws(6)), images)


@pytest.mark.parametrize("change", range(11))
def test_each_change_has_probability_one_half(change):
    """The share of 2,000 images that one draw changes; tint has a channel each."""
    numbers = no_change(2_000)
    numbers[:, change] = draws(2_000)[:, change]
    images = np.repeat(pictures(1, (8, 8, 3)), 2_000, axis=0)
    changed = np.any(seen(StrongView(strength=1.0), images, numbers) != images, axis=(1, 2, 3))
    assert 0.45 < changed.mean() < 0.53


def test_grey_images_do_not_change_in_saturation_and_tint():
    images, numbers = pictures(50, (8, 8, 1)), no_change(50)
    numbers[:, 7:11] = draws(50)[:, 7:11]
    np.testing.assert_array_equal(seen(StrongView(strength=1.0), images, numbers), images)


def test_a_smaller_strength_changes_less():
    images, numbers = pictures(200, (16, 16, 3)) // 4 + 96, draws(200)
    sizes = [
        np.abs(seen(StrongView(strength=s), images, numbers).astype(int) - images).mean()
        for s in (0.01, 0.3, 1.0)
    ]
    assert sizes[0] < 0.5 * sizes[1] < 0.5 * sizes[2]


@pytest.mark.parametrize(("column", "axis"), [(3, 0), (4, 1)], ids=["down", "right"])
def test_the_largest_move_is_16_percent_of_the_side(column, axis):
    """A draw of 1 moves the source by 0.16 * 25 = 4 pixels, and the edge repeats."""
    images, numbers = pictures(1, (25, 25, 1)), no_change(1)
    numbers[:, column] = 1.0
    source = np.minimum(np.arange(25) + 4, 24)
    expected = np.take(images[0], source, axis=axis)
    np.testing.assert_array_equal(seen(StrongView(strength=1.0), images, numbers)[0], expected)


def test_brightness_and_contrast_at_half_their_limits():
    images = np.full((2, 4, 4, 1), 100, np.uint8)
    images[1, :2] = 60
    numbers = no_change(2)
    numbers[0, 5] = numbers[1, 6] = 1.0
    result = seen(StrongView(strength=0.5), images, numbers)
    assert np.unique(result[0]).tolist() == [round(100 + 0.3 * 127.5)]
    assert np.unique(result[1]).tolist() == [round(80 - 1.3 * 20), round(80 + 1.3 * 20)]


def test_the_rotation_agrees_with_a_projective_transform():
    """The formula of `ImageProjectiveTransformV3`, apart from rounding."""
    images, numbers = pictures(20, (11, 11, 3)), no_change(20)
    numbers[:, 0] = draws(20)[:, 0]
    both = 2.0 * numbers[:, 0] - 1.0
    angle = np.sign(both) * np.maximum(2 * np.abs(both) - 1, 0) * np.pi / 6
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros(20)
    rows = [cos, -sin, 5 - 5 * cos + 5 * sin, sin, cos, 5 - 5 * sin - 5 * cos, zero, zero]
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=images.astype("float32"),
        transforms=np.stack(rows, axis=1).astype("float32"),
        output_shape=[11, 11],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    result = seen(StrongView(strength=1.0), images, numbers)
    assert np.abs(result - expected.numpy()).max() <= 0.51


@pytest.mark.parametrize("shape", [(10, 10, 1), (10, 20, 3)])
def test_cutout_hides_a_grey_square(shape):
    images = np.zeros((400, *shape), np.uint8)
    hidden = seen(StrongView(cutout=0.4), images, draws(400)) != 0
    rows = hidden.any(axis=(2, 3)).sum(axis=1)
    columns = hidden.any(axis=(1, 3)).sum(axis=1)
    np.testing.assert_array_equal(hidden.sum(axis=(1, 2, 3)), rows * columns * shape[2])
    # It lies partly outside of some images, and never completely.
    assert rows.max() == columns.max() == 4 and 1 <= rows.min() <= 2 and 1 <= columns.min() <= 2
    whole = np.mean((rows == 4) & (columns == 4))
    assert 0.2 < whole < 0.8
    assert np.all(seen(StrongView(cutout=0.4), images, draws(400))[hidden] == 127)


def test_a_share_of_the_images_is_shown_in_the_strong_view():
    images = pictures(2_000, (4, 4, 1))
    strong = StrongView(cutout=0.9)
    changed = np.any(
        views(tf.constant(images), tf.constant(draws(2_000)), strong=strong, share=0.3).numpy()
        != images,
        axis=(1, 2, 3),
    )
    assert 0.25 < changed.mean() < 0.35


def test_a_row_gets_the_same_view_in_any_batch():
    images, numbers = pictures(33, (9, 12, 3)), draws(33)
    whole = seen(STRONG, images, numbers)
    for rows in (slice(0, 1), slice(1, 4), slice(4, 33)):
        np.testing.assert_array_equal(seen(STRONG, images[rows], numbers[rows]), whole[rows])


@pytest.mark.parametrize("channels", [1, 3])
def test_it_compiles_under_xla(channels):
    images, numbers = pictures(16, (9, 12, channels)), draws(16)
    compiled = tf.function(STRONG.apply, jit_compile=True)
    result = compiled(tf.constant(images), tf.constant(numbers)).numpy().astype(int)
    difference = np.abs(result - seen(STRONG, images, numbers))
    # Fused arithmetic may round a value to the next whole number.
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def streams(split):
    """A labelled and an unlabelled stream as those of a semi-supervised run."""
    return {
        "labelled": Stream(split, np.arange(20), with_labels=True, strong_share=0.5),
        "unlabelled": Stream(
            split, np.arange(20, 130), with_plain=True, multiple=3, strong_share=1.0
        ),
    }


OPTIONS = {"batch_size": 10, "critic_steps": 2, "shift": 1, "flip": True, "rotate": 5.0}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_replicas_share_the_same_views(numbered, count):
    one = global_batches(streams(numbered), 3, strong=STRONG, **OPTIONS)
    many = global_batches(
        streams(numbered), 2, replicas(count), strong=STRONG, first_step=1, **OPTIONS
    )
    assert_equal(one[1:], many)
    assert one[0]["unlabelled"]["images"].shape == (2, 30, 6, 5, 1)
    assert one[0]["labelled"]["labels"].shape == (2, 10)


def test_views_differ_between_steps_seeds_and_streams():
    split = Split(np.repeat(pictures(1, (6, 5, 1)), 12, axis=0))
    strong = StrongView(strength=1.0)
    both = {name: Stream(split, strong_share=1.0) for name in ("one", "other")}
    steps = global_batches(both, 2, strong=strong)
    again = global_batches(both, 1, strong=strong, seed=1)
    results = [steps[0]["one"], steps[0]["other"], steps[1]["one"], again[0]["one"]]
    assert len({result["images"].tobytes() for result in results}) == 4


def test_the_rows_of_a_sample_are_consecutive_positions(numbered):
    """Three images per sample of 4 are the images of a plain stream with batches of 12."""
    several = global_batches({"real": Stream(numbered, multiple=3)}, 5, batch_size=4)
    plain = global_batches({"real": Stream(numbered)}, 5, batch_size=12)
    for one, other in zip(several, plain, strict=True):
        np.testing.assert_array_equal(one["real"]["images"], other["real"]["images"])


def test_streams_without_a_share_stay_bit_equal(numbered):
    some = {"real": Stream(numbered), "other": Stream(numbered, strong_share=1.0)}
    with_views = global_batches(some, 2, strong=STRONG, **OPTIONS)
    without = global_batches({"real": Stream(numbered)}, 2, **OPTIONS)
    for one, other in zip(with_views, without, strict=True):
        np.testing.assert_array_equal(one["real"]["images"], other["real"]["images"])


@pytest.mark.parametrize(
    ("view", "shape", "message"),
    [
        (StrongView(strength=1.5), (3, 8, 8, 1), "--strong must be from 0 to 1; got 1.5"),
        (StrongView(strength=-0.1), (3, 8, 8, 1), "--strong must be from 0 to 1"),
        (StrongView(cutout=1.0), (3, 8, 8, 1), "--cutout must be at least 0 and below 1"),
        (StrongView(cutout=0.5), (3, 2), "--strong and --cutout are for images"),
        (StrongView(strength=0.5), (3, 2), "--strong and --cutout are for images"),
    ],
)
def test_settings_out_of_range_are_refused(view, shape, message):
    with pytest.raises(UserError, match=message):
        view.check(shape)


def test_a_stream_has_at_least_one_image_per_sample(numbered):
    with pytest.raises(UserError, match="images per sample of 'real' must be at least 1; got 0"):
        global_batches({"real": Stream(numbered, multiple=0)}, 1)
