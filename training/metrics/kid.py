"""Kernel (Inception) distance: the unbiased MMD^2 of features with a cubic kernel, over subsets."""

import numpy as np

from training.metrics.metric import Metric, MetricInput, MetricResult
from training.metrics.products import product
from training.metrics.statistics import SHUFFLE_SEED, AllFeatures

SUBSETS = 100
SUBSET_SIZE = 1000
# The unbiased estimate divides by m - 1.
LEAST_ROWS = 2


def kernel_distance(
    generated: np.ndarray,
    reference: np.ndarray,
    *,
    subsets: int = SUBSETS,
    subset_size: int = SUBSET_SIZE,
    seed: int = SHUFFLE_SEED,
) -> tuple[float, float]:
    """Computes the mean and standard deviation of MMD^2 over random subsets of both sets.

    The kernel is `(x.y / d + 1)^3`. The estimate for subsets of m rows is
    `(sum_{i!=j} k(x_i,x_j) + sum_{i!=j} k(y_i,y_j)) / (m(m-1)) - 2 sum_{ij} k(x_i,y_j) / m^2`.
    Subsets are drawn in the same order as in torch-fidelity, so that the values for the same rows
    are equal.

    Args:
        generated: float `[n, d]`.
        reference: float `[m, d]`.
        subsets: int, number of subsets.
        subset_size: int, rows of each set in a subset.
        seed: int, seed of the subsets.

    Returns:
        (mean, standard deviation over subsets).

    Raises:
        ValueError: if a subset has fewer than 2 rows, or more rows than a set.

    Source: Binkowski et al., arXiv 1801.01401.
    """
    if not LEAST_ROWS <= subset_size <= min(len(generated), len(reference)):
        raise ValueError(
            f"`subset_size` must be from {LEAST_ROWS} to the number of rows of the smaller set, "
            f"received {subset_size} for sets of {len(generated)} and {len(reference)} rows."
        )
    generator = np.random.RandomState(seed)
    values = np.empty(subsets)
    for i in range(subsets):
        rows = generator.choice(len(generated), subset_size, replace=False)
        others = generator.choice(len(reference), subset_size, replace=False)
        values[i] = _squared_mmd(
            np.asarray(generated[rows], np.float64), np.asarray(reference[others], np.float64)
        )
    return float(values.mean()), float(values.std())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (product(x, y) / x.shape[1] + 1.0) ** 3


def _squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    size = len(x)
    within = 0.0
    for rows in (x, y):
        kernel = _kernel(rows, rows)
        within += kernel.sum() - np.trace(kernel)
    return within / (size * (size - 1)) - 2.0 * _kernel(x, y).mean()


def _measure(subject: MetricInput) -> MetricResult:
    reference, generated = subject.reference["features"], subject.generated["features"]
    assert isinstance(reference, AllFeatures) and isinstance(generated, AllFeatures)
    size = min(SUBSET_SIZE, len(reference.features), len(generated.features))
    warnings: tuple[str, ...] = ()
    if size < SUBSET_SIZE:
        warnings = (f"subsets have {size:,} images instead of {SUBSET_SIZE:,}: too few images",)
    mean, deviation = kernel_distance(generated.features, reference.features, subset_size=size)
    return MetricResult(
        {"kid": mean, "kid_std": deviation}, warnings, {"subsets": SUBSETS, "subset_size": size}
    )


METRIC = Metric(
    name="kid",
    title="Kernel distance",
    reference=("features",),
    generated=("features",),
    measure=_measure,
    better={"kid": "low"},
    least_reference=LEAST_ROWS,
)
