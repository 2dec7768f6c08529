import pathlib

import numpy as np
import pytest

from training.data import load
from zoo.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 6, 4, 3), np.uint8)
LABELS = np.arange(60) % 3


@pytest.fixture
def save(tmp_path: pathlib.Path):
    def save(**arrays) -> str:
        np.savez(tmp_path / "toy.npz", **arrays)
        return str(tmp_path / "toy.npz")

    return save


def test_images_and_labels(save):
    data = load(save(images=IMAGES, labels=LABELS))
    assert data.name == "toy" and data.class_names == ("0", "1", "2")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [48, 6, 6]
    assert np.bincount(data.test.labels).tolist() == [2, 2, 2]
    known = {image.tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    for split in (data.train, data.validation, data.test):
        for image, label in zip(split.images, split.labels, strict=True):
            assert known.pop(image.tobytes()) == label
    assert not known


def test_grey_images_without_labels(save):
    data = load(save(images=IMAGES[..., 0]))
    assert data.image_shape == (6, 4, 1) and data.num_classes == 0
    assert data.train.labels is None


def test_keras_layout(save):
    data = load(
        save(
            x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES[:5], y_test=LABELS[:5, None] + 5
        )
    )
    assert len(data.train) == 54 and len(data.validation) == 6
    assert np.array_equal(data.test.images, IMAGES[:5])
    assert data.test.labels.tolist() == [5, 6, 7, 5, 6] and data.num_classes == 8


def test_image_size(save):
    assert load(save(images=IMAGES), image_size=3).image_shape == (3, 3, 3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES}, "it contains: pictures"),
        ({"images": IMAGES, "x_train": IMAGES}, "must contain"),
        ({"images": IMAGES / 255}, "uint8.*got float64.*values 0.0 to"),
        ({"images": IMAGES.astype(np.int64)}, "uint8"),
        ({"images": IMAGES[0, 0]}, "uint8"),
        ({"images": IMAGES, "labels": LABELS[:-1]}, "one for each of the 60"),
        ({"images": IMAGES, "labels": LABELS - 1}, "integers from 0"),
        ({"images": IMAGES, "labels": LABELS / 2}, "must be integers"),
        ({"images": IMAGES, "labels": np.array(["a"] * 60)}, "must be integers"),
        ({"images": IMAGES, "labels": np.array([None] * 60)}, "contains Python objects"),
        ({"images": IMAGES[:5]}, "only 5 training images"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:, :3], "y_test": LABELS},
            "one shape",
        ),
    ],
)
def test_wrong_contents(save, arrays, message):
    with pytest.raises(UserError, match=message):
        load(save(**arrays))


def test_damaged_or_missing(save, tmp_path):
    path = pathlib.Path(save(images=IMAGES))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match="damaged"):
        load(str(path))
    with path.open("wb") as file:
        np.save(file, IMAGES)  # A single array under the name of an archive.
    with pytest.raises(UserError, match="damaged"):
        load(str(path))
    with pytest.raises(UserError, match="no file"):
        load(str(tmp_path / "other.npz"))
