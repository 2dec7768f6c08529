"""How many modes of a known mixture a generator makes, and how many of its points are near one."""

from typing import NamedTuple

import numpy as np

from training.data.toys import Mixture

NEAR = 3.0
LEAST_SHARE = 0.1


class Modes(NamedTuple):
    """What was counted.

    Attributes:
        covered: int, modes with enough points near them.
        near: float in [0, 1], the share of all points that is near some mode.
    """

    covered: int
    near: float


def count_modes(points: np.ndarray, mixture: Mixture) -> Modes:
    """Counts the modes that have points near them.

    A point is near the mode with the nearest centre if it is within 3 deviations of it. A mode is
    covered if at least a tenth of its fair share of all points, `n / m`, is near it, so that a few
    points on the way from one mode to another do not count.

    Args:
        points: float array `[n, 2]`; 2,000 or more for a steady count.
        mixture: the true one, of m modes.
    """
    distances = np.linalg.norm(points[:, None] - mixture.centres[None], axis=-1)
    nearest = distances.argmin(axis=1)
    near = distances[np.arange(len(points)), nearest] <= NEAR * mixture.deviation
    counts = np.bincount(nearest[near], minlength=len(mixture.centres))
    enough = LEAST_SHARE * len(points) / len(mixture.centres)
    return Modes(int(np.sum(counts >= max(enough, 1.0))), float(np.mean(near)))
