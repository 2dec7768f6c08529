"""What a metric needs to know of a set of images, gathered in one pass over their features.

Sums are float64. `Moments` and `ClassScores` take memory that does not grow with the number of
images; `KeptFeatures`, which KID and precision/recall cannot do without, takes 4 bytes a number.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol, Self

import numpy as np

IS_SPLITS = 10
SHUFFLE_SEED = 2020
ROWS_AT_ONCE = 2048


class Statistic(Protocol):
    """Something gathered batch by batch, and stored as arrays."""

    kind: ClassVar[str]

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        """Takes in a batch: features `[b, d]`, logits `[b, K]`, the number of its first row."""

    def merge(self, other: Self) -> None:
        """Takes in what another one has gathered of other rows."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what is stored."""


class Moments:
    """Count, mean and covariance, by Chan's pairwise update: nothing large is subtracted.

    Args:
        count: int, rows seen.
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
        self._waiting: list[np.ndarray] = []

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        self._waiting.append(np.array(features))
        if sum(map(len, self._waiting)) >= ROWS_AT_ONCE:
            self._take_in()

    def _take_in(self) -> None:
        """Adds the rows that wait. Few at a time would be slow: each sum goes over `[d, d]`."""
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting).astype(np.float64)
        self._waiting = []
        mean = rows.mean(axis=0)
        rows -= mean
        self.merge(Moments(count=len(rows), mean=mean, scatter=rows.T @ rows))

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
        """Rows seen."""
        self._take_in()
        return self._count

    @property
    def mean(self) -> np.ndarray:
        """Float64 `[d]`."""
        self._take_in()
        return self._mean

    @property
    def scatter(self) -> np.ndarray:
        """Float64 `[d, d]`."""
        self._take_in()
        return self._scatter

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance, `scatter / (n - 1)`; float64 `[d, d]`."""
        return self.scatter / (self.count - 1)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"count": np.array(self.count), "mean": self.mean, "scatter": self.scatter}


class KeptFeatures:
    """All features, in the order of the images.

    Args:
        features: float32 `[n, d]`.
    """

    kind: ClassVar[str] = "features"

    def __init__(self, *, features: np.ndarray | None = None):
        self._parts = {} if features is None else {0: features}

    def update(self, features: np.ndarray, logits: np.ndarray, *, first_row: int) -> None:
        self._parts[first_row] = np.asarray(features)

    def merge(self, other: "KeptFeatures") -> None:
        self._parts |= other._parts

    @property
    def features(self) -> np.ndarray:
        """Float array `[n, d]`."""
        if len(self._parts) > 1:
            self._parts = {0: np.concatenate([self._parts[row] for row in sorted(self._parts)])}
        return next(iter(self._parts.values()))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"features": self.features}


class ClassScores:
    """For the Inception Score: of each split the sums of `p` and of `sum_k p_k log p_k`.

    Which split a row falls into is decided by the permutation that torch-fidelity makes too, so
    that no row has to be kept.

    Args:
        total: int, rows there will be.
        counts: float64 `[splits]`, rows seen of each split.
        sums: float64 `[splits, K]`.
        entropies: float64 `[splits]`.
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


def _splits_of_rows(total: int, splits: int) -> np.ndarray:
    """Row -> its split: consecutive shares of a shuffled order."""
    order = np.random.RandomState(SHUFFLE_SEED).permutation(total)
    ends = [(split + 1) * total // splits for split in range(splits)]
    by_place = np.searchsorted(ends, np.arange(total), side="right")
    split_of_row = np.empty(total, np.int64)
    split_of_row[order] = by_place
    return split_of_row


def new_statistic(kind: str, *, total: int) -> Statistic:
    """Makes an empty statistic of a kind, for `total` rows to come."""
    if kind == ClassScores.kind:
        return ClassScores(total=total)
    return {Moments.kind: Moments, KeptFeatures.kind: KeptFeatures}[kind]()


def stored_statistic(kind: str, arrays: dict[str, np.ndarray]) -> Statistic:
    """Makes a statistic of what `arrays()` returned."""
    kinds: dict[str, Callable[..., Statistic]] = {
        each.kind: each for each in (Moments, KeptFeatures, ClassScores)
    }
    return kinds[kind](**arrays)
