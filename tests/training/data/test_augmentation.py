import numpy as np
import pytest
import tensorflow as tf

from training.data.augmentation import Augmentation


def augment(images, index=None, batch_size=None, seed=1, **options):
    batch_size = batch_size or len(images)
    index = np.arange(batch_size) if index is None else index
    augmentation = Augmentation(**options)
    draws = augmentation.draws(
        images.shape[1:],
        key=np.array([0, 0, seed, seed]),
        step=tf.constant(2, tf.int64),
        index=tf.constant(index, tf.int64),
        batch_size=batch_size,
        batches=len(images) // len(index),
    )
    return augmentation.shown(tf.constant(images), draws).numpy()


@pytest.fixture
def images():
    # All pixels differ, so that the shift can be found from the result.
    return np.broadcast_to(np.arange(35, dtype=np.uint8).reshape(1, 5, 7, 1), (400, 5, 7, 1))


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
    return padded[2 - down : 7 - down, 2 - right : 9 - right]


def test_flip_mirrors_about_half(images):
    result = augment(images, shift=0, flip=True)
    flipped = np.array([np.array_equal(image, images[0][:, ::-1]) for image in result])
    kept = np.array([np.array_equal(image, images[0]) for image in result])
    assert np.all(flipped ^ kept) and 150 < flipped.sum() < 250


@pytest.mark.parametrize("flip", [False, True])
def test_shift_repeats_the_edge(images, flip):
    originals = [images[0], images[0][:, ::-1]] if flip else [images[0]]
    expected = {
        moved(image, down, right).tobytes(): (down, right)
        for image in originals
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    seen = [expected[image.tobytes()] for image in augment(images, shift=2, flip=flip)]
    counts = np.array([seen.count(move) for move in sorted(set(seen))])
    assert len(counts) == 25 and counts.min() > 2


def test_same_on_any_replica(images):
    whole = augment(images[:24], batch_size=12, shift=2, flip=True).reshape(2, 12, 5, 7, 1)
    for index in (np.arange(5), np.arange(5, 12)):
        part = augment(images[: 2 * len(index)], index, 12, shift=2, flip=True)
        assert np.array_equal(part.reshape(2, -1, 5, 7, 1), whole[:, index])
    assert not np.array_equal(whole[0], whole[1])


def test_depends_on_the_seed(images):
    first = augment(images, shift=1, flip=False)
    assert np.array_equal(first, augment(images, shift=1, flip=False))
    assert not np.array_equal(first, augment(images, shift=1, flip=False, seed=3))


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (8, 9, 9, 1), np.uint8)


def test_no_angle_and_no_zoom_change_nothing(pictures):
    np.testing.assert_array_equal(augment(pictures), pictures)


@pytest.mark.parametrize("option", [{"rotate": 20.0}, {"zoom": 0.3}])
def test_each_image_turns_and_scales_differently_about_its_centre(pictures, option):
    moved = augment(np.repeat(pictures[:1], 8, axis=0), **option)
    assert len({image.tobytes() for image in moved}) == 8
    np.testing.assert_array_equal(moved[:, 4, 4], np.repeat(pictures[:1, 4, 4], 8, axis=0))


def test_a_quarter_turn_is_at_most_a_quarter_turn():
    """A bar in the upper half stays in the upper half when it turns by at most 90 degrees."""
    bar = np.zeros((8, 9, 9, 1), np.uint8)
    bar[:, :4, 4] = 255
    moved = augment(bar, rotate=90.0)
    assert moved[:, :5].max() > 100 and moved[:, 6:].max() == 0


def test_a_replica_turns_its_rows_as_the_whole_batch_does(pictures):
    whole = augment(pictures, rotate=20.0, zoom=0.2)
    part = augment(pictures[5:], [5, 6, 7], 8, rotate=20.0, zoom=0.2)
    np.testing.assert_array_equal(part, whole[5:])
