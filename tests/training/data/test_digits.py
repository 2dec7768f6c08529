import hashlib

import numpy as np

from training.data import ImageData
from training.data.digits.builder import read_digits, split_rows
from training.data.image_data import Split
from training.data.splitting import hash_order

# SHA-256 of images and labels in reading order, on which the row numbers of label maps depend.
DIGESTS = {
    "train": "a99a98ca922e17ff78eda692614493a56b2ec069a747463c3d3831e7639ef1dc",
    "validation": "d53b75b66733452f26ca6ea5cbe38948c27bc0e767491c245ab162b66838104a",
    "test": "5e78875456b879f13362552f3da4958fbfed441a89809c2da2e2a31622dde855",
}


def digest(split: Split) -> str:
    return hashlib.sha256(split.images.tobytes() + split.labels.tobytes()).hexdigest()


def test_counts(digits: ImageData):
    assert digits.name == "digits"
    assert digits.image_shape == (8, 8, 1)
    assert digits.class_names == tuple("0123456789")
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(digits.train.labels).tolist() == [count - 60 for count in counts]
    assert np.bincount(digits.validation.labels).tolist() == [20] * 10
    assert np.bincount(digits.test.labels).tolist() == [40] * 10
    assert digits.train.images.max() == 255


def test_nothing_ever_changes(digits: ImageData):
    assert {name: digest(getattr(digits, name)) for name in DIGESTS} == DIGESTS


def test_pixels_are_scaled_and_rounded():
    images, labels = read_digits()
    assert labels[:10].tolist() == list(range(10))
    row = images[0, 0, :, 0].tolist()  # 0 0 5 13 9 1 0 0 in the file
    assert row == [0, 0, 80, 207, 143, 16, 0, 0]


def test_split_rule():
    _, labels = read_digits()
    rows = split_rows(labels)
    sevens = [row for row in hash_order(map(str, range(1797))) if labels[row] == 7]
    assert set(sevens[:40]) <= set(rows["test"])
    assert set(sevens[40:60]) <= set(rows["validation"])
    assert set(sevens[60:]) <= set(rows["train"])
    assert sorted(np.concatenate(list(rows.values()))) == list(range(1797))
