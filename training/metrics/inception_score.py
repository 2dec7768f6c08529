"""Inception Score: high for images with a certain class each and varied classes in total."""

import numpy as np

from training.metrics.metric import Metric, MetricInput, MetricResult
from training.metrics.statistics import ClassScores


def inception_score(scores: ClassScores) -> tuple[float, float]:
    """Computes `exp(E KL(p(y|x) || p(y)))` for each split.

    This equals `exp(E sum p log p - sum q log q)` with `q = E p`, so sums over images suffice.

    Returns:
        (mean, standard deviation over splits).

    Source: Salimans et al., arXiv 1606.03498.
    """
    marginal = scores.sums / scores.counts[:, None]
    logarithms = np.log(marginal, where=marginal > 0, out=np.zeros_like(marginal))
    negative_entropy = (marginal * logarithms).sum(axis=1)
    values = np.exp(scores.entropies / scores.counts - negative_entropy)
    return float(values.mean()), float(values.std())


def _measure(subject: MetricInput) -> MetricResult:
    scores = subject.generated["class_scores"]
    assert isinstance(scores, ClassScores)
    mean, deviation = inception_score(scores)
    return MetricResult({"is": mean, "is_std": deviation}, (), {"splits": len(scores.counts)})


METRIC = Metric(
    name="is",
    title="Inception Score",
    reference=(),
    generated=("class_scores",),
    measure=_measure,
    better={"is": "high"},
)
