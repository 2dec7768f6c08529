"""Frechet (Inception) distance of two Gaussians fitted to features."""

import numpy as np

from training.metrics.metric import Measured, Metric, Subject
from training.metrics.statistics import Moments

# Eigenvalues below this share of the largest are rounding, not variance.
RELATIVE_ZERO = 1e-13


def frechet_distance(left: Moments, right: Moments) -> float:
    """Computes `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`.

    With `Ci = Li Li^T` the trace of the root is the sum of the singular values of `L1^T L2`. It
    needs no root of a matrix, and it stays right where a covariance has not full rank: `Li` then
    has as many columns as the rank.

    Args:
        left: moments of one set, of 2 rows or more.
        right: those of the other.

    Returns:
        float, 0 for equal moments; rounding may make it slightly negative.

    Source: Heusel et al., arXiv 1706.08500.
    """
    difference = left.mean - right.mean
    roots = [_root(left.covariance), _root(right.covariance)]
    overlap = np.linalg.svd(roots[0].T @ roots[1], compute_uv=False).sum()
    traces = np.trace(left.covariance) + np.trace(right.covariance)
    return float(difference @ difference + traces - 2.0 * overlap)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Returns L `[d, rank]` with `L L^T = covariance`."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > RELATIVE_ZERO * max(values[-1], 0.0)
    return vectors[:, kept] * np.sqrt(values[kept])


def _measure(subject: Subject) -> Measured:
    reference, generated = subject.reference["moments"], subject.generated["moments"]
    assert isinstance(reference, Moments) and isinstance(generated, Moments)
    warnings = [
        f"{what}: {moments.count:,} images are too few for a covariance of {moments.mean.size} "
        "features, which has not full rank; the distance is biased upwards"
        for what, moments in (("reference", reference), ("generated", generated))
        if moments.count <= moments.mean.size
    ]
    return Measured({"fid": frechet_distance(reference, generated)}, tuple(warnings))


METRIC = Metric(
    name="fid",
    title="Frechet distance",
    reference=("moments",),
    generated=("moments",),
    measure=_measure,
    better={"fid": "low"},
)
