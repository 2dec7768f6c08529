"""The expected calibration error of a classifier's probabilities."""

import keras
import numpy as np

from training.data.image_data import Split
from training.data.pipeline import evaluation_batches
from training.metrics.error_rate import BATCH_SIZE, labelled_split
from training.metrics.metric import Metric, MetricInput, MetricResult
from zoo.images import to_float
from zoo.tasks import ImageClassifier

BINS = 15
# The error of a calibrated classifier is about sqrt(bins / images) too large by chance.
FEW_IMAGES = 1000


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, *, bins: int = BINS
) -> float:
    """Computes `sum_m n_m / n |accuracy_m - confidence_m|` over bins of equal width.

    The confidence of an image is its largest probability. Bin m contains the images whose
    confidence is in `((m - 1) / bins, m / bins]`.

    Args:
        probabilities: float `[n, K]`, n at least 1; rows sum to one.
        labels: int `[n]`, the true classes.
        bins: int, number of bins.

    Returns:
        float in [0, 1].

    Source: Guo et al., arXiv 1706.04599, equation 3.

    Example:
    >>> expected_calibration_error(np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([0, 1]))
    0.3
    """
    confidence = np.asarray(probabilities, np.float64).max(axis=1)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    bin_of_row = np.ceil(confidence * bins).astype(np.int64).clip(1, bins) - 1
    gaps = np.bincount(bin_of_row, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _measure(subject: MetricInput) -> MetricResult:
    split = labelled_split(subject, METRIC.name)
    assert subject.classifier is not None and split.labels is not None
    error = expected_calibration_error(_probabilities(subject.classifier, split), split.labels)
    few = f"{len(split):,} images are few for {BINS} bins: the calibration error is biased upwards"
    warnings = (few,) if len(split) < FEW_IMAGES else ()
    return MetricResult({"calibration": error}, warnings, {"images": len(split), "bins": BINS})


def _probabilities(classifier: keras.Model, split: Split) -> np.ndarray:
    """Computes the probabilities `[n, K]`; those of a classifier without a method are softmax."""
    parts = []
    for images, _ in evaluation_batches(split, batch_size=BATCH_SIZE):
        floats = to_float(images)
        if isinstance(classifier, ImageClassifier):
            probabilities = classifier.probabilities(floats)
        else:
            probabilities = keras.ops.softmax(classifier(floats, training=False))
        parts.append(keras.ops.convert_to_numpy(probabilities))
    return np.concatenate(parts)


METRIC = Metric(
    name="calibration",
    title="Calibration error",
    measure=_measure,
    better={"calibration": "low"},
    needs="classifier",
    least_reference=BINS,
)
