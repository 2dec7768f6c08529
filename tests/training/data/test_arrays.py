import pathlib

import numpy as np
import pytest

from training.data import load
from zoo.errors import UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 6, 4, 3), np.uint8)
OTHERS = RNG.integers(0, 256, (5, 6, 4, 3), np.uint8)
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
        save(x_train=IMAGES, y_train=LABELS[:, None], x_test=OTHERS, y_test=LABELS[1:6, None])
    )
    assert len(data.train) == 54 and len(data.validation) == 6
    assert np.array_equal(data.test.images, OTHERS)
    assert data.test.labels.tolist() == [1, 2, 0, 1, 2] and data.num_classes == 3
    assert not data.warnings


def test_class_names(save):
    names = np.array(["cat", "dog", "cow", "ant"])
    data = load(save(images=IMAGES, labels=LABELS, class_names=names))
    assert data.class_names == ("cat", "dog", "cow", "ant")
    assert data.warnings[-1] == "The train split has no images of these classes: ant."
    for wrong in (names[:2], np.array(["a", "a", "b"]), np.arange(3), names[None]):
        with pytest.raises(UserError, match="`class_names` must"):
            load(save(images=IMAGES, labels=LABELS, class_names=wrong))
    with pytest.raises(UserError, match="and no `labels`"):
        load(save(images=IMAGES, class_names=names))


def test_copies_are_reported(save, capsys):
    images = IMAGES.copy()
    images[1:] = images[:-1]
    labels = np.arange(60) // 2 % 3
    data = load(save(x_train=images, y_train=labels, x_test=IMAGES[:5], y_test=labels[:5]))
    in_splits, in_classes = data.warnings
    assert "identical to an image in another split" in in_splits and "x_test" in in_splits
    assert "identical to an image in another class" in in_classes
    assert capsys.readouterr().err.count("Warning") == 2


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", ">i4"])
def test_all_types_of_integers_are_labels(save, dtype):
    data = load(save(images=IMAGES, labels=LABELS.astype(dtype)))
    assert data.train.labels.dtype == np.int64 and data.num_classes == 3


def test_image_size(save):
    assert load(save(images=IMAGES), image_size=3).image_shape == (3, 3, 3)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES}, "it contains: pictures"),
        ({"images": IMAGES, "x_train": IMAGES}, "must contain"),
        ({"images": IMAGES / 255}, r"uint8.*got float64.*values 0.0 to.*\(images \* 255\).round"),
        ({"images": IMAGES.astype(np.int64)}, "uint8"),
        ({"images": IMAGES[0, 0]}, "uint8"),
        ({"images": IMAGES, "labels": LABELS[:-1]}, "one for each of the 60"),
        ({"images": IMAGES, "labels": LABELS - 1}, "integers from 0"),
        ({"images": IMAGES, "labels": LABELS / 2}, "must be integers.*not whole numbers"),
        ({"images": IMAGES, "labels": LABELS / 1}, r'labels.astype\("int64"\)'),
        ({"images": IMAGES, "labels": LABELS == 1}, r'labels.astype\("int64"\)'),
        ({"images": IMAGES, "labels": np.where(LABELS, 1, np.nan)}, "20 of them are NaN"),
        ({"images": IMAGES, "labels": np.eye(3)[LABELS]}, r"one-hot.*labels.argmax\(axis=1\)"),
        ({"images": IMAGES, "labels": np.ones([60, 3])}, "several labels per image"),
        ({"images": IMAGES, "labels": LABELS + 1}, "from 1 to 3, .* label 0.*type labels - 1"),
        ({"images": IMAGES, "labels": LABELS * 2}, "no image has the label 1, 3. .*return_inverse"),
        ({"images": IMAGES, "labels": LABELS + 5}, "from 5 to 7.*label 0, 1, 2 ..."),
        ({"images": IMAGES, "labels": LABELS * 10**9}, "from 0 to 2000000000"),
        ({"images": IMAGES, "labels": LABELS.astype("u8") + 2**63}, "has the label 92233720368547"),
        ({"images": IMAGES, "labels": np.where(LABELS, 1, -1)}, "20 of 60 are negative .from -1"),
        ({"images": IMAGES, "labels": np.arange(60)}, "different number for each of the 60"),
        (
            {"x_train": IMAGES, "y_train": LABELS, "x_test": OTHERS, "y_test": LABELS[:5] + 1},
            "`y_test` has the label 3, and the labels of `y_train` go from 0 to 2",
        ),
        ({"images": np.zeros((60, 8, 8, 5), "u1")}, r"5 channels.*images\[..., :3\]"),
        ({"images": np.zeros((60, 3, 8, 8), "u1")}, r"first, \[N, C, H, W\]: .*\(0, 2, 3, 1\)"),
        ({"images": np.zeros((60, 1, 28, 28), "u1")}, "channels seem to come first"),
        ({"images": np.zeros((8, 8, 3, 60), "u1")}, r"moveaxis\(images, -1, 0\)"),
        ({"images": np.zeros((60, 784), "u1")}, r"images.reshape\(-1, 28, 28\)"),
        ({"images": np.zeros((60, 3072), "u1")}, r"images.reshape\(-1, 3, 32, 32\)"),
        ({"images": IMAGES.astype("u2")}, r'images.round\(\).astype\("uint8"\)'),
        ({"images": IMAGES.astype("u2") << 4}, r"255 / 4095"),
        ({"images": IMAGES / 127.5 - 1}, r"\(images \+ 1\) \* 127.5"),
        ({"images": IMAGES > 9}, r'images.astype\("uint8"\) \* 255'),
        ({"images": IMAGES * np.nan}, "NaN or infinite"),
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
