"""Statistics of a set of images for the metrics, computed in one pass over their features.

Sums are float64. Large covariances of many images are sums over blocks of float32 products, where
that is proven to be exact enough; see `Moments`. The memory of `Moments` and `ClassScores` does not
grow with the number of images. `AllFeatures`, which KID and precision/recall need, takes 4 bytes
per feature value.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol, Self

import numpy as np

from training.metrics.products import gpu, scatter

IS_SPLITS = 10
SHUFFLE_SEED = 2020
ROWS_AT_ONCE = 2048
MANY_FEATURES = 1024
"""Least number of features for which float32 products save time that counts."""
WELL_CONDITIONED = 1e-6
"""The pivots of a well-conditioned matrix are larger than this fraction of the largest."""


class Statistic(Protocol):
    """A statistic that is updated batch by batch and stored as arrays."""

    kind: ClassVar[str]

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        """Adds a batch: features `[b, d]`, logits `[b, K]`, the index of its first row."""

    def merge(self, other: Self) -> None:
        """Adds the statistic of other rows."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays to store."""


class Moments:
    """Count, mean and covariance, by Chan's pairwise update, which avoids cancellation.

    Rows are added in blocks of 2,048, each relative to its own mean. On a CPU, with 1,024 features
    or more, the off-diagonal products of a block are float32 as soon as the rows so far have a
    well-conditioned scatter matrix. The diagonal and the sums over blocks are always float64. Later
    rows only increase the scatter's eigenvalues, so it stays well conditioned, and rounding cannot
    turn into false eigenvalues. `tests/training/metrics/test_moments.py` bounds the effect on the
    Frechet distance by 1e-6 of its value.

    Args:
        count: int, number of rows.
        mean: float64 `[d]`.
        scatter: float64 `[d, d]`, the sum of `(f - mean)(f - mean)^T`.
    """

    kind: ClassVar[str] = "moments"

    def __init__(
        self,
        *,
        count: int = 0,
        mean: np.ndarray | None = None,
        scatter: np.ndarray | None = None,
    ):
        self._count = int(count)
        self._mean = np.zeros(0) if mean is None else mean
        self._scatter = np.zeros((0, 0)) if scatter is None else scatter.copy()
        self._pending: list[np.ndarray] = []
        self._tried_at = 0
        self._single = False

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        self._pending.append(np.array(features))
        if sum(map(len, self._pending)) >= ROWS_AT_ONCE:
            self._add_pending()

    def _add_pending(self) -> None:
        """Adds the pending rows, many at a time because each update costs `[d, d]` operations."""
        if not self._pending:
            return
        size, columns = sum(map(len, self._pending)), self._pending[0].shape[1]
        rows = np.zeros((size + 1, columns))
        np.concatenate(self._pending, out=rows[:-1])
        self._pending = []
        mean = rows[:-1].mean(axis=0)
        rows[:-1] -= mean
        if self._count:
            # The outer product of this row is the scatter between the means, in Chan's update.
            total = self._count + size
            rows[-1] = np.sqrt(self._count * size / total) * (mean - self._mean)
            self._scatter += self._products(rows)
            self._mean = self._mean + (mean - self._mean) * (size / total)
            self._count = total
        else:
            self._count, self._mean, self._scatter = size, mean, self._products(rows)

    def _products(self, rows: np.ndarray) -> np.ndarray:
        """Returns `rows^T rows`, float64 `[d, d]`, for rows whose mean is near 0."""
        if not self._allows_single(rows.shape[1]):
            return scatter(rows)
        products = scatter(rows.astype(np.float32))
        np.fill_diagonal(products, np.einsum("ij,ij->j", rows, rows))
        return products

    def _allows_single(self, columns: int) -> bool:
        """Returns True if products may be float32; see the class."""
        if self._single or columns < MANY_FEATURES or gpu() is not None:
            return self._single
        # A scatter matrix of fewer rows is singular. Each trial costs a factorisation.
        if self._count >= max(2 * columns, 2 * self._tried_at):
            self._tried_at = self._count
            self._single = triangle(self._scatter) is not None
        return self._single

    def merge(self, other: "Moments") -> None:
        if not self.count:
            self._count, self._mean = other.count, other.mean.copy()
            self._scatter = other.scatter.copy()
            return
        total = self.count + other.count
        step = other.mean - self.mean
        self._scatter += other.scatter
        self._scatter += np.outer(self.count * other.count / total * step, step)
        self._mean = self.mean + step * (other.count / total)
        self._count = total

    @property
    def count(self) -> int:
        """The number of rows."""
        self._add_pending()
        return self._count

    @property
    def mean(self) -> np.ndarray:
        """The mean, float64 `[d]`."""
        self._add_pending()
        return self._mean

    @property
    def scatter(self) -> np.ndarray:
        """The sum of `(f - mean)(f - mean)^T`, float64 `[d, d]`."""
        self._add_pending()
        return self._scatter

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance `scatter / (n - 1)`, float64 `[d, d]`."""
        return self.scatter / (self.count - 1)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"count": np.array(self.count), "mean": self.mean, "scatter": self.scatter}


class AllFeatures:
    """All features, in the order of the images.

    Args:
        features: float32 `[n, d]`.
    """

    kind: ClassVar[str] = "features"

    def __init__(self, *, features: np.ndarray | None = None):
        self._parts = {} if features is None else {0: features}

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        self._parts[first_row] = np.asarray(features)

    def merge(self, other: "AllFeatures") -> None:
        self._parts |= other._parts

    @property
    def features(self) -> np.ndarray:
        """The features, float `[n, d]`."""
        if len(self._parts) > 1:
            self._parts = {0: np.concatenate([self._parts[row] for row in sorted(self._parts)])}
        return next(iter(self._parts.values()))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"features": self.features}


class ClassScores:
    """The sums that the Inception Score needs, for each split.

    A row's split is decided by the same permutation as in torch-fidelity. It depends on the
    number of rows alone, so no row is stored.

    Args:
        total: int, number of rows after all updates.
        counts: float64 `[splits]`, number of rows of each split so far.
        sums: float64 `[splits, K]`, sums of `p`.
        entropies: float64 `[splits]`, sums of `sum_k p_k log p_k`.
    """

    kind: ClassVar[str] = "class_scores"

    def __init__(
        self,
        *,
        total: int,
        counts: np.ndarray | None = None,
        sums: np.ndarray | None = None,
        entropies: np.ndarray | None = None,
        splits: int = IS_SPLITS,
    ):
        self.total = int(total)
        self.counts = np.zeros(splits) if counts is None else counts
        self.sums = np.zeros((splits, 0)) if sums is None else sums
        self.entropies = np.zeros(splits) if entropies is None else entropies
        self._split_of_row = _splits_of_rows(self.total, len(self.counts))

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        log_p = np.asarray(logits, np.float64)
        log_p = log_p - log_p.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        p = np.exp(log_p)
        if not self.sums.size:
            self.sums = np.zeros((len(self.counts), p.shape[1]))
        split = self._split_of_row[first_row : first_row + len(p)]
        np.add.at(self.counts, split, 1.0)
        np.add.at(self.sums, split, p)
        np.add.at(self.entropies, split, (p * log_p).sum(axis=1))

    def merge(self, other: "ClassScores") -> None:
        self.counts = self.counts + other.counts
        self.sums = self.sums + other.sums if self.sums.size else other.sums
        self.entropies = self.entropies + other.entropies

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "total": np.array(self.total),
            "counts": self.counts,
            "sums": self.sums,
            "entropies": self.entropies,
        }


def triangle(matrix: np.ndarray) -> np.ndarray | None:
    """Returns the Cholesky factor; None if the matrix is not well conditioned."""
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    pivots = np.square(np.diagonal(factor))
    return factor if pivots.min() > WELL_CONDITIONED * pivots.max() else None


def _splits_of_rows(total: int, splits: int) -> np.ndarray:
    """Returns the split of each row: splits are consecutive parts of a shuffled order."""
    order = np.random.RandomState(SHUFFLE_SEED).permutation(total)
    ends = [(split + 1) * total // splits for split in range(splits)]
    by_place = np.searchsorted(ends, np.arange(total), side="right")
    split_of_row = np.empty(total, np.int64)
    split_of_row[order] = by_place
    return split_of_row


def new_statistic(kind: str, *, total: int) -> Statistic:
    """Returns an empty statistic of a kind for `total` rows."""
    if kind == ClassScores.kind:
        return ClassScores(total=total)
    return {Moments.kind: Moments, AllFeatures.kind: AllFeatures}[kind]()


def stored_statistic(kind: str, arrays: dict[str, np.ndarray]) -> Statistic:
    """Returns the statistic whose `arrays()` are given."""
    kinds: dict[str, Callable[..., Statistic]] = {
        each.kind: each for each in (Moments, AllFeatures, ClassScores)
    }
    return kinds[kind](**arrays)
