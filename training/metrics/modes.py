"""The number of covered modes of a known mixture, and the share of points near a mode."""

from typing import NamedTuple

import numpy as np

from training.data.toys import Mixture

NEAR = 3.0
LEAST_SHARE = 0.1


class Modes(NamedTuple):
    """The result of `count_modes`.

    Attributes:
        covered: int, number of modes with enough points near them.
        near: float in [0, 1], share of all points that are near a mode.
    """

    covered: int
    near: float


def count_modes(points: np.ndarray, mixture: Mixture) -> Modes:
    """Counts the modes that have enough points near them.

    A point is near the mode with the nearest centre if their distance is at most 3 standard
    deviations. A mode is covered if at least `0.1 * n / m` points are near it, so that a few
    points between two modes do not count.

    Args:
        points: float array `[n, 2]`; at least 2,000 points for a stable count.
        mixture: the true mixture, with m modes.
    """
    distances = np.linalg.norm(points[:, None] - mixture.centres[None], axis=-1)
    nearest = distances.argmin(axis=1)
    near = distances[np.arange(len(points)), nearest] <= NEAR * mixture.deviation
    counts = np.bincount(nearest[near], minlength=len(mixture.centres))
    enough = LEAST_SHARE * len(points) / len(mixture.centres)
    return Modes(int(np.sum(counts >= max(enough, 1.0))), float(np.mean(near)))
