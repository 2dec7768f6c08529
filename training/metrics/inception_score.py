"""Inception Score: high for images with a certain class each and varied classes in total."""

import numpy as np

from training.metrics.metric import Metric, MetricInput, MetricResult
from training.metrics.statistics import IS_SPLITS, ClassScores

# The score of a split with one image is 1, whatever the image shows.
LEAST_PER_SPLIT = 2


def inception_score(scores: ClassScores) -> tuple[float, float]:
    """Computes `exp(E KL(p(y|x) || p(y)))` for each split.

    This equals `exp(E sum p log p - sum q log q)` with `q = E p`, so sums over images suffice.

    Returns:
        (mean, standard deviation over splits).

    Raises:
        ValueError: if a split has fewer than 2 images.

    Source: Salimans et al., arXiv 1606.03498.
    """
    if (fewest := scores.counts.min()) < LEAST_PER_SPLIT:
        raise ValueError(
            f"The Inception Score needs at least {LEAST_PER_SPLIT} images in each of "
            f"{len(scores.counts)} splits, received {fewest:.0f}."
        )
    marginal = scores.sums / scores.counts[:, None]
    logarithms = np.log(marginal, where=marginal > 0, out=np.zeros_like(marginal))
    negative_entropy = (marginal * logarithms).sum(axis=1)
    values = np.exp(scores.entropies / scores.counts - negative_entropy)
    return float(values.mean()), float(values.std())


def _measure(subject: MetricInput) -> MetricResult:
    scores = subject.generated["class_scores"]
    assert isinstance(scores, ClassScores)
    mean, deviation = inception_score(scores)
    each, classes = int(scores.counts.min()), scores.sums.shape[1]
    warnings: tuple[str, ...] = ()
    if each < classes:
        warnings = (
            f"each split has {each:,} images and the network has {classes:,} classes: the score "
            f"cannot exceed {each:,}",
        )
    values = {"is": mean, "is_std": deviation}
    return MetricResult(values, warnings, {"splits": len(scores.counts)})


METRIC = Metric(
    name="is",
    title="Inception Score",
    reference=(),
    generated=("class_scores",),
    measure=_measure,
    better={"is": "high"},
    least_generated=LEAST_PER_SPLIT * IS_SPLITS,
)
