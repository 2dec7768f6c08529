"""Float32 products in `Moments`: when they are used, and that the Frechet distance does not change.

The reference is the same code with float64 products only.
"""

import numpy as np
import pytest

from training.metrics import statistics
from training.metrics.fid import frechet_distance
from training.metrics.statistics import Moments

ROWS, COLUMNS = 1_500, 96
LOGITS = np.empty((0, 0))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(statistics, "ROWS_AT_ONCE", 64)


def features(seed: int, *, spread: float, mean: float = 0.3) -> np.ndarray:
    """Returns float32 features whose covariance has eigenvalues from `spread` to 1."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(np.random.default_rng(9).normal(size=(COLUMNS, COLUMNS)))
    scales = np.sqrt(np.geomspace(spread, 1.0, COLUMNS))
    return (random.normal(mean, 1.0, (ROWS, COLUMNS)) * scales @ turn.T).astype(np.float32)


def moments(rows: np.ndarray, monkeypatch, *, single: bool) -> Moments:
    limit = 1 if single else 10 * COLUMNS
    monkeypatch.setattr(statistics, "MANY_FEATURES", limit)
    gathered = Moments()
    for start in range(0, len(rows), 50):
        gathered.update(rows[start : start + 50], LOGITS, first_row=start)
    assert gathered.count == len(rows)
    return gathered


@pytest.mark.parametrize("spread", [1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("other", ["near", "far"])
def test_the_distance_changes_by_less_than_a_millionth(spread, other, monkeypatch):
    """`near` sets have one distribution, so their distance is small against the variances."""
    sets = [
        features(0, spread=spread),
        features(1, spread=spread, mean=0.3 if other == "near" else 0.8),
    ]
    exact, quick = (
        [moments(rows, monkeypatch, single=single) for rows in sets] for single in (False, True)
    )
    assert all(each._single for each in quick) and not any(each._single for each in exact)
    assert frechet_distance(*quick) == pytest.approx(frechet_distance(*exact), rel=1e-6)
    for left, right in zip(quick, exact, strict=True):
        np.testing.assert_allclose(left.mean, right.mean, rtol=1e-13)
        np.testing.assert_allclose(np.diag(left.scatter), np.diag(right.scatter), rtol=1e-13)
        scale = np.diag(right.scatter).max()
        np.testing.assert_allclose(left.scatter, right.scatter, atol=1e-6 * scale)


def test_singular_sets_keep_float64(monkeypatch):
    """Rounding would make false eigenvalues: with constant columns, and with few directions."""
    random = np.random.default_rng(0)
    constant = features(0, spread=1.0)
    constant[:, 3] = 0.5
    few = (random.normal(size=(ROWS, 5)) @ random.normal(size=(5, COLUMNS))).astype(np.float32)
    for rows in (constant, few):
        quick = moments(rows, monkeypatch, single=True)
        assert not quick._single
        exact = moments(rows, monkeypatch, single=False)
        np.testing.assert_array_equal(quick.scatter, exact.scatter)


def test_the_first_rows_are_float64_and_few_features_always(monkeypatch):
    rows = features(0, spread=1.0)
    quick, exact = (
        moments(rows[: 2 * COLUMNS], monkeypatch, single=single) for single in (True, False)
    )
    np.testing.assert_array_equal(quick.scatter, exact.scatter)
    monkeypatch.undo()
    assert COLUMNS < statistics.MANY_FEATURES <= 2048


@pytest.mark.slow
def test_features_like_those_of_inception_change_by_less_than_a_millionth(monkeypatch):
    """20,000 rows of 2,048 features that are not negative and correlated."""
    from benchmarks.evaluation import inception_like

    monkeypatch.undo()
    found = {}
    for single in (False, True):
        monkeypatch.setattr(statistics, "MANY_FEATURES", 1024 if single else 10_000)
        sets = []
        for seed in (0, 1):
            gathered = Moments()
            for block in inception_like(seed=seed, rows=20_000, columns=2_048):
                gathered.update(block, LOGITS, first_row=0)
            sets.append(gathered)
        assert gathered._single is single
        found[single] = frechet_distance(*sets)
    assert found[True] == pytest.approx(found[False], rel=1e-6)
