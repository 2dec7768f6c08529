"""Tests of full-size data sets, run if the environment variable `ZOO_TEST_DATA` is their folder."""

import hashlib
import os
import pathlib

import numpy as np
import pytest

from training.data import load

pytestmark = pytest.mark.skipif(
    "ZOO_TEST_DATA" not in os.environ, reason="ZOO_TEST_DATA is not set"
)


@pytest.fixture
def folder() -> pathlib.Path:
    return pathlib.Path(os.environ["ZOO_TEST_DATA"])


def test_mnist_from_its_original_files(folder, tmp_path):
    options = {"data_dir": str(tmp_path), "manual_dir": str(folder / "originals" / "mnist")}
    data = load("mnist", **options)
    assert data.image_shape == (28, 28, 1) and data.num_classes == 10
    assert [len(s) for s in (data.train, data.validation, data.test)] == [55_000, 5_000, 10_000]
    assert np.bincount(data.validation.labels).tolist() == [500] * 10
    assert np.bincount(data.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009
    ]  # fmt: skip
    # The mean pixel of MNIST's 60,000 training images is 33.3.
    total = data.train.images.sum(dtype=np.int64) + data.validation.images.sum(dtype=np.int64)
    assert round(total / 60_000 / 28**2, 1) == 33.3


def test_cifar10_prepared_elsewhere(folder):
    data = load("cifar10", data_dir=str(folder / "tfds"))
    assert data.image_shape == (32, 32, 3)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [45_000, 5_000, 10_000]
    assert data.class_names[0] == "airplane"
    digest = hashlib.sha256()
    for start in range(0, 10_000, 500):
        rows = slice(start, start + 500)
        digest.update(data.test.images[rows].tobytes())
        digest.update(data.test.labels[rows].astype(np.uint8).tobytes())
    assert digest.hexdigest() == "cab1494d394870b65edb331f48d18a4b2123762ac90b33da7999c3aee97bf5e6"
