"""Frechet (Inception) distance of two Gaussians fitted to features."""

import numpy as np

from training.metrics.metric import Measured, Metric, Subject
from training.metrics.statistics import Moments

# Eigenvalues below this share of the largest are rounding, not variance.
RELATIVE_ZERO = 1e-13
# No pivot of a well conditioned covariance is smaller than this share of the largest.
WELL_CONDITIONED = 1e-6


def frechet_distance(left: Moments, right: Moments) -> float:
    """Computes `|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`.

    With `Ci = Li Li^T` the trace of the root is the sum of the singular values of `L1^T L2`. It
    needs no root of a matrix, and it stays right where a covariance has not full rank: `Li` then
    has as many columns as the rank. Where both are well conditioned, `Li` is Cholesky's triangle
    and the squares of the singular values are eigenvalues, which takes a fraction of the time.

    Args:
        left: moments of one set, of 2 rows or more.
        right: those of the other.

    Returns:
        float, 0 for equal moments; rounding may make it slightly negative.

    Source: Heusel et al., arXiv 1706.08500.
    """
    difference = left.mean - right.mean
    covariances = left.covariance, right.covariance
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    return float(difference @ difference + traces - 2.0 * _overlap(*covariances))


def _overlap(left: np.ndarray, right: np.ndarray) -> float:
    """Computes the trace of `(C1 C2)^(1/2)`."""
    triangles = [_triangle(left), _triangle(right)]
    if triangles[0] is not None and triangles[1] is not None:
        product = triangles[0].T @ triangles[1]
        squares = np.linalg.eigvalsh(product.T @ product)
        return float(np.sqrt(np.maximum(squares, 0.0)).sum())
    product = _root(left).T @ _root(right)
    return float(np.linalg.svd(product, compute_uv=False).sum())


def _triangle(covariance: np.ndarray) -> np.ndarray | None:
    """Returns Cholesky's L; None where the covariance is not well conditioned."""
    try:
        triangle = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return None
    pivots = np.square(np.diagonal(triangle))
    return triangle if pivots.min() > WELL_CONDITIONED * pivots.max() else None


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
