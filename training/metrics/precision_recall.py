"""Precision, recall, density and coverage, by balls around features up to the k-th neighbour."""

from collections.abc import Callable

import numpy as np

from training.metrics.metric import Metric, MetricInput, MetricResult
from training.metrics.products import product, resident
from training.metrics.statistics import AllFeatures

PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5
LEAST_ROWS = max(PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS) + 1
# With fewer rows, a ball up to the 5th neighbour contains a large part of all rows.
MANY_ROWS = 10 * DENSITY_NEIGHBOURS
BLOCK = 1024


def precision_recall(
    generated: np.ndarray, reference: np.ndarray, *, neighbours: int = PRECISION_NEIGHBOURS
) -> tuple[float, float]:
    """Computes precision and recall.

    The radius of a row's ball is the distance to its `neighbours`-th nearest other row of the
    same set. Precision is the share of generated rows that are in a ball of a reference row.
    Recall is the share of reference rows that are in a ball of a generated row. Distances are
    computed in blocks of 1,024 rows.

    Args:
        generated: float `[n, d]`, n > `neighbours`.
        reference: float `[m, d]`, m > `neighbours`.
        neighbours: int, k.

    Returns:
        (precision, recall).

    Source: Kynkaanniemi et al., arXiv 1904.06991.
    """
    real, fake = _doubles(reference), _doubles(generated)
    precision = _rows_in_balls(fake, real, _radii(real, neighbours)) > 0
    recall = _rows_in_balls(real, fake, _radii(fake, neighbours)) > 0
    return float(precision.mean()), float(recall.mean())


def density_coverage(
    generated: np.ndarray, reference: np.ndarray, *, neighbours: int = DENSITY_NEIGHBOURS
) -> tuple[float, float]:
    """Computes density and coverage.

    Density is the mean number of reference balls that contain a generated row, divided by k. It
    can exceed 1. Coverage is the share of reference rows whose ball contains a generated row.

    Args:
        generated: float `[n, d]`.
        reference: float `[m, d]`, m > `neighbours`.
        neighbours: int, k.

    Returns:
        (density, coverage).

    Source: Naeem et al., arXiv 2002.09797.
    """
    real, fake = _doubles(reference), _doubles(generated)
    radii = _radii(real, neighbours)
    density = _rows_in_balls(fake, real, radii).mean() / neighbours
    nearest = _by_block(real, fake, lambda block: block.min(axis=1))
    return float(density), float((nearest <= radii).mean())


def _doubles(features: np.ndarray) -> np.ndarray:
    return np.asarray(features, np.float64)


def _by_block(
    rows: np.ndarray, others: np.ndarray, reduce: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Applies `reduce` to blocks `[b, m]` of squared distances; concatenates the results `[b]`."""
    norms = (others**2).sum(axis=1)
    centres = resident(others)
    parts = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        squares = (block**2).sum(axis=1)[:, None] + norms - 2.0 * product(block, centres)
        parts.append(reduce(np.maximum(squares, 0.0)))
    return np.concatenate(parts)


def _radii(rows: np.ndarray, neighbours: int) -> np.ndarray:
    """Returns the squared distance of each row to its k-th nearest other row.

    Raises:
        ValueError: if there are not more than k rows.
    """
    if len(rows) <= neighbours:
        raise ValueError(
            f"The {neighbours} nearest neighbours of a row need more than {neighbours} rows, "
            f"received {len(rows)}."
        )
    # Index 0 of the sorted distances is the row itself.
    return _by_block(
        rows, rows, lambda block: np.partition(block, neighbours, axis=1)[:, neighbours]
    )


def _rows_in_balls(rows: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Returns the number of balls that contain each row."""
    return _by_block(rows, centres, lambda block: (block <= radii).sum(axis=1))


def _measure(subject: MetricInput) -> MetricResult:
    reference, generated = subject.reference["features"], subject.generated["features"]
    assert isinstance(reference, AllFeatures) and isinstance(generated, AllFeatures)
    fewest = min(len(reference.features), len(generated.features))
    warnings: tuple[str, ...] = ()
    if fewest < MANY_ROWS:
        warnings = (
            f"{fewest:,} images are few for {DENSITY_NEIGHBOURS} neighbours: each ball contains a "
            "large part of the images, and the values are too high",
        )
    precision, recall = precision_recall(generated.features, reference.features)
    density, coverage = density_coverage(generated.features, reference.features)
    return MetricResult(
        {"precision": precision, "recall": recall, "density": density, "coverage": coverage},
        warnings,
        {"neighbours": [PRECISION_NEIGHBOURS, DENSITY_NEIGHBOURS]},
    )


METRIC = Metric(
    name="pr",
    title="Precision, recall, density, coverage",
    reference=("features",),
    generated=("features",),
    measure=_measure,
    better=dict.fromkeys(("precision", "recall", "density", "coverage"), "high"),
    least_reference=LEAST_ROWS,
)
