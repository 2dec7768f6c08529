"""Tests of the mode count with values calculated by hand."""

import numpy as np
import pytest

from training.data.toys import MIXTURES, Mixture
from training.metrics.modes import count_modes

PAIR = Mixture(np.array([[0.0, 0.0], [10.0, 0.0]]), 1.0)


def repeated(*points_and_counts):
    return np.concatenate([np.tile(point, (count, 1)) for point, count in points_and_counts])


@pytest.mark.parametrize(
    ("points", "covered", "near"),
    [
        (repeated(([0.0, 0.0], 50), ([10.0, 2.9], 50)), 2, 1.0),
        (repeated(([0.0, 0.0], 50), ([10.0, 3.1], 50)), 1, 0.5),
        (repeated(([0.0, 0.0], 100)), 1, 1.0),
        (repeated(([5.0, 5.0], 100)), 0, 0.0),
        # Two modes share 100 points, so a mode needs 0.1 * 50 = 5.
        (repeated(([0.0, 0.0], 95), ([10.0, 0.0], 5)), 2, 1.0),
        (repeated(([0.0, 0.0], 96), ([10.0, 0.0], 4)), 1, 1.0),
    ],
)
def test_modes_worked_by_hand(points, covered, near):
    """A point is near a mode within 3 deviations; a mode is covered by `0.1 * n / m` points."""
    modes = count_modes(points, PAIR)
    assert modes.covered == covered
    assert modes.near == pytest.approx(near)


@pytest.mark.parametrize("name", list(MIXTURES))
def test_true_samples_cover_all_modes_and_are_near_as_often_as_gaussians_are(name):
    """In the plane, `P(|v| <= 3) = 1 - exp(-9/2) = 0.98889`."""
    points, _ = MIXTURES[name].sample(20_000, seed=5)
    modes = count_modes(points, MIXTURES[name])
    assert modes.covered == len(MIXTURES[name].centres)
    assert modes.near == pytest.approx(1 - np.exp(-4.5), abs=0.003)
