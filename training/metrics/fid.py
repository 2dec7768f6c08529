"""Frechet (Inception) distance between two Gaussians that are fitted to features."""

import numpy as np

from training.metrics.metric import Metric, MetricInput, MetricResult
from training.metrics.products import product, scatter
from training.metrics.statistics import Moments, triangle

# Eigenvalues below this fraction of the largest are rounding errors.
RELATIVE_ZERO = 1e-13
# A covariance of one row is not defined.
LEAST_ROWS = 2


def frechet_distance(left: Moments, right: Moments) -> float:
    """Computes `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`.

    With `Ci = Li Li^T`, the trace of the root is the sum of the singular values of `L1^T L2`. No
    matrix root is needed. The result is also correct for singular covariances: `Li` then has as
    many columns as the rank. If both covariances are well conditioned, `Li` is the Cholesky
    factor and the squared singular values are computed as eigenvalues, which is faster.

    Args:
        left: moments of one set, of at least 2 rows.
        right: moments of the other set, of at least 2 rows.

    Returns:
        float, 0 for equal moments. Rounding can make it slightly negative.

    Raises:
        ValueError: if a set has fewer than 2 rows.

    Source: Heusel et al., arXiv 1706.08500.
    """
    if (fewest := min(left.count, right.count)) < LEAST_ROWS:
        raise ValueError(f"A covariance needs at least {LEAST_ROWS} rows, received {fewest}.")
    difference = left.mean - right.mean
    covariances = left.covariance, right.covariance
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    return float(difference @ difference + traces - 2.0 * _overlap(*covariances))


def _overlap(left: np.ndarray, right: np.ndarray) -> float:
    """Computes the trace of `(C1 C2)^(1/2)`."""
    triangles = [triangle(left), triangle(right)]
    if triangles[0] is not None and triangles[1] is not None:
        squares = np.linalg.eigvalsh(scatter(product(triangles[0].T, triangles[1].T)))
        return float(np.sqrt(np.maximum(squares, 0.0)).sum())
    return float(np.linalg.svd(_root(left).T @ _root(right), compute_uv=False).sum())


def _root(covariance: np.ndarray) -> np.ndarray:
    """Returns L `[d, rank]` with `L L^T = covariance`."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > RELATIVE_ZERO * max(values[-1], 0.0)
    return vectors[:, kept] * np.sqrt(values[kept])


def _measure(subject: MetricInput) -> MetricResult:
    reference, generated = subject.reference["moments"], subject.generated["moments"]
    assert isinstance(reference, Moments) and isinstance(generated, Moments)
    warnings = [
        f"{what}: {moments.count:,} images are too few for a covariance of {moments.mean.size} "
        "features: it is singular, and the distance is biased upwards"
        for what, moments in (("reference", reference), ("generated", generated))
        if moments.count <= moments.mean.size
    ]
    return MetricResult({"fid": frechet_distance(reference, generated)}, tuple(warnings))


METRIC = Metric(
    name="fid",
    title="Frechet distance",
    reference=("moments",),
    generated=("moments",),
    measure=_measure,
    better={"fid": "low"},
    least_reference=LEAST_ROWS,
)
