"""Small data sets that are used by several tests."""

import pathlib
from collections.abc import Iterator

import numpy as np
import pytest

from training.data import ImageData, load
from training.data.image_data import Split


@pytest.fixture(scope="session", autouse=True)
def cache_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A folder of caches for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "lipschitz-gan-zoo"


@pytest.fixture(scope="session")
def digits_dir(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the prepared set `digits`."""
    folder = tmp_path_factory.mktemp("tfds")
    load("digits", data_dir=str(folder))
    return folder


@pytest.fixture(scope="session")
def digits(digits_dir: pathlib.Path) -> ImageData:
    return load("digits", data_dir=str(digits_dir))


@pytest.fixture
def numbered() -> Split:
    """130 labelled 6x5 images; the first pixel of image `k` is `k`, the others are noise."""
    images = np.random.default_rng(0).integers(0, 256, (130, 6, 5, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(130)
    return Split(images, np.arange(130) % 7)
