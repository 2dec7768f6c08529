"""Tests of one-pass statistics and of metrics with values calculated by hand."""

import numpy as np
import pytest

from training.metrics import fid, inception_score, kid, precision_recall, products, statistics
from training.metrics.metric import MetricInput
from training.metrics.statistics import AllFeatures, ClassScores, Moments, stored_statistic


def moments(features: np.ndarray, *, batch: int = 1000) -> Moments:
    gathered = Moments()
    for start in range(0, len(features), batch):
        gathered.update(features[start : start + batch], np.empty((0, 0)), first_row=start)
    return gathered


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_moments_do_not_depend_on_batches_and_tolerate_a_large_mean(batch, monkeypatch):
    """With a mean of a million deviations, `E f^2 - (E f)^2` would lose all precision."""
    monkeypatch.setattr(statistics, "ROWS_AT_ONCE", 5)
    features = np.random.default_rng(0).normal(1e6, 1.0, (100, 3))
    gathered = moments(features, batch=batch)
    np.testing.assert_allclose(gathered.mean, features.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(gathered.covariance, np.cov(features, rowvar=False), rtol=1e-6)


def test_parts_merge_to_the_whole():
    random = np.random.default_rng(0)
    features, logits = random.normal(size=(50, 4)), random.normal(size=(50, 3))
    for make in (Moments, AllFeatures, lambda: ClassScores(total=50)):
        whole, left, right = make(), make(), make()
        whole.update(features, logits, first_row=0)
        right.update(features[20:], logits[20:], first_row=20)
        left.update(features[:20], logits[:20], first_row=0)
        left.merge(right)
        for name, array in whole.arrays().items():
            np.testing.assert_allclose(left.arrays()[name], array, rtol=1e-12, atol=1e-14)
        again = stored_statistic(whole.kind, whole.arrays())
        assert again.arrays().keys() == whole.arrays().keys()


def test_memory_of_moments_and_class_scores_does_not_grow():
    sizes = []
    for count in (10, 1000):
        gathered = [Moments(), ClassScores(total=count)]
        for statistic in gathered:
            statistic.update(np.ones((count, 5)), np.ones((count, 3)), first_row=0)
        sizes.append([sum(a.size for a in s.arrays().values()) for s in gathered])
    assert sizes[0] == sizes[1]


def test_distance_of_gaussians_with_commuting_covariances():
    """For diagonal covariances the distance is `|m1-m2|^2 + sum (s1 - s2)^2`."""
    left = Moments(count=11, mean=np.array([1.0, 2.0]), scatter=10 * np.diag([4.0, 9.0]))
    right = Moments(count=11, mean=np.array([0.0, 4.0]), scatter=10 * np.diag([1.0, 25.0]))
    assert fid.frechet_distance(left, right) == pytest.approx(1 + 4 + 1 + 4)


def test_both_algorithms_for_the_distance_agree(monkeypatch):
    random = np.random.default_rng(0)
    scales = np.geomspace(1.0, 0.01, 30)
    sets = [moments(random.normal(size=(200, 30)) * scales), moments(random.normal(size=(200, 30)))]
    quick = fid.frechet_distance(*sets)
    assert fid.frechet_distance(sets[0], sets[0]) == pytest.approx(0.0, abs=1e-9)
    monkeypatch.setattr(statistics, "WELL_CONDITIONED", np.inf)
    assert quick == pytest.approx(fid.frechet_distance(*sets), rel=1e-10)


def test_singular_covariances_give_exact_values_and_warnings():
    """For two lines in 40 dimensions at an angle, the trace of the root is `s1 s2 |cos|`."""
    left, right = np.zeros((2, 40))
    left[0], right[:2] = 1.0, (0.6, 0.8)
    steps = np.array([-1.0, 0.0, 1.0])
    sets = [moments(np.outer(2 * steps, left)), moments(np.outer(3 * steps, right))]
    exact = 4 + 9 - 2 * 2 * 3 * 0.6
    assert fid.frechet_distance(*sets) == pytest.approx(exact, rel=1e-12)
    subject = MetricInput(reference={"moments": sets[0]}, generated={"moments": sets[1]})
    measured = fid.METRIC.measure(subject)
    assert len(measured.warnings) == 2 and "reference: 3 images" in measured.warnings[0]
    plenty = moments(np.random.default_rng(0).normal(size=(50, 40)))
    subject = MetricInput(reference={"moments": plenty}, generated={"moments": plenty})
    assert not fid.METRIC.measure(subject).warnings


def test_kernel_distance_of_equal_points_worked_by_hand():
    """If all x are (1,) and all y are (0,), the estimate is `2^3 + 1 - 2 * 1`."""
    mean, deviation = kid.kernel_distance(
        np.ones((5, 1)), np.zeros((5, 1)), subsets=3, subset_size=4
    )
    assert mean == pytest.approx(8 + 1 - 2) and deviation == 0.0


def test_small_subsets_give_a_warning():
    kept = AllFeatures(features=np.random.default_rng(0).normal(size=(30, 2)))
    measured = kid.METRIC.measure(
        MetricInput(reference={"features": kept}, generated={"features": kept})
    )
    assert measured.protocol["subset_size"] == 30 and "30" in measured.warnings[0]


@pytest.mark.parametrize(("classes", "expected"), [(1, 1.0), (4, 4.0)])
def test_inception_score_of_sure_classes_is_their_number(classes, expected):
    scores = ClassScores(total=4000)
    logits = 1e3 * np.eye(4)[np.arange(4000) % classes]
    scores.update(np.empty((4000, 0)), logits, first_row=0)
    mean, _ = inception_score.inception_score(scores)
    assert mean == pytest.approx(expected, rel=0.02)


def test_precision_recall_density_and_coverage_worked_by_hand():
    """Real rows are 0, 1, ..., 9. Half of the fakes are at 3.5, the others are far away."""
    real = np.arange(10.0)[:, None]
    fake = np.concatenate([np.full(5, 3.5), 100 + np.arange(5.0)])[:, None]
    precision, recall = precision_recall.precision_recall(fake, real, neighbours=1)
    assert precision == 0.5
    assert recall == 0.0  # The balls of the five equal fakes have radius 0.
    density, coverage = precision_recall.density_coverage(fake, real, neighbours=1)
    assert density == pytest.approx(0.5 * 2)  # 3.5 is in the balls of 3 and of 4.
    assert coverage == pytest.approx(0.2)


def test_blocks_do_not_matter(monkeypatch):
    random = np.random.default_rng(0)
    fake, real = random.normal(size=(40, 3)), random.normal(size=(50, 3))
    whole = precision_recall.precision_recall(fake, real)
    monkeypatch.setattr(precision_recall, "BLOCK", 7)
    assert precision_recall.precision_recall(fake, real) == whole
    assert 0 < whole[0] < 1 and 0 < whole[1] < 1


def test_too_few_images_for_neighbours_are_refused():
    kept = AllFeatures(features=np.zeros((5, 2)))
    with pytest.raises(ValueError, match="need more than 5 rows, received 5"):
        precision_recall.METRIC.measure(
            MetricInput(reference={"features": kept}, generated={"features": kept})
        )


def test_products_on_a_device_are_those_of_numpy(monkeypatch):
    """A logical CPU device stands for a GPU."""
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(60, 7)), random.normal(size=(50, 7)) + 0.2

    def measured() -> list[float]:
        distance = fid.frechet_distance(moments(real), moments(fake))
        kernel = kid.kernel_distance(fake, real, subsets=3, subset_size=20)
        balls = precision_recall.precision_recall(fake, real)
        return [distance, *kernel, *balls, *precision_recall.density_coverage(fake, real)]

    by_numpy = measured()
    used = []
    monkeypatch.setattr(products, "gpu", lambda: used.append(1) or "CPU:0")
    monkeypatch.setattr(statistics, "gpu", lambda: "CPU:0")
    np.testing.assert_allclose(measured(), by_numpy, rtol=1e-10)
    assert used
