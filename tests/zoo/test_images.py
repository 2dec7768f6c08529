"""Conversion of raw images to the range, size and channels of a network, and back."""

import numpy as np
import pytest

from tests.support.small_tasks import SHAPE, raw
from zoo import images


def test_uint8_to_float_and_back_is_exact():
    levels = np.arange(256, dtype="uint8")
    floats = images.to_float(levels).numpy()
    np.testing.assert_allclose(floats[[0, 255]], [-1.0, 1.0])
    np.testing.assert_array_equal(images.to_uint8(floats), levels)
    np.testing.assert_array_equal(images.to_uint8([-1.2, 0.004, 1.2]), [0, 128, 255])


def test_prepare_resizes_with_antialias_and_leaves_the_right_size_alone():
    # Half of the columns are white. Bilinear sampling without antialiasing reads only white ones.
    stripes = np.tile(np.array([0, 255, 255, 0], "uint8"), 4) * np.ones((1, 16, 1), "uint8")
    small = images.prepare(stripes[..., None], (4, 4, 1)).numpy()
    assert np.abs(small).max() < 0.3
    same = raw(2)
    np.testing.assert_array_equal(images.prepare(same, SHAPE), images.to_float(same))


def test_prepare_converts_between_grey_and_colour():
    grey = raw(2, (8, 8, 1))
    colour = images.prepare(grey, SHAPE).numpy()
    assert colour.shape == (2, *SHAPE)
    np.testing.assert_allclose(
        images.prepare(np.repeat(grey, 3, -1), (8, 8, 1)), colour[..., :1], atol=1e-6
    )
    pure = np.zeros((1, 1, 3, 3), "uint8")
    pure[0, 0] = np.eye(3) * 255
    luma = images.prepare(pure, (1, 3, 1)).numpy().ravel()
    np.testing.assert_allclose((luma + 1) / 2, [0.299, 0.587, 0.114], atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4])
def test_prepare_refuses_other_channels(channels):
    with pytest.raises(ValueError, match="alpha"):
        images.prepare(raw(1, (8, 8, channels)), SHAPE)
