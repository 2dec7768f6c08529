import numpy as np
import pytest
import tensorflow as tf

from training.data.augmentation import flip_and_shift


def augment(images, index=None, batch_size=None, seed=(1, 2), **options):
    batch_size = batch_size or len(images)
    index = np.arange(batch_size) if index is None else index
    return flip_and_shift(
        tf.constant(images),
        seed=tf.constant(seed, tf.int64),
        index=tf.constant(index, tf.int64),
        batch_size=batch_size,
        **options,
    ).numpy()


@pytest.fixture
def images():
    # Every pixel has a value of its own, so that a move can be read off.
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
    assert not np.array_equal(first, augment(images, shift=1, flip=False, seed=(1, 3)))
