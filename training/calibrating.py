"""The temperature of a classifier, fitted on validation images."""

import math
import sys
from collections.abc import Callable

import keras
import numpy as np

from training.data.image_data import Split
from training.data.pipeline import evaluation_batches
from zoo.errors import UserError
from zoo.images import to_float
from zoo.tasks import ImageClassifier

LEAST_IMAGES = 100
LOWEST, HIGHEST = 0.05, 20.0
BATCH_SIZE = 200
_BISECTIONS = 50


def calibrate(classifier: ImageClassifier, split: Split) -> float:
    """Fits the temperature of a classifier, sets it, and returns it.

    Without labels, or with too few images, the temperature stays as it is. The second case prints a
    warning.

    Args:
        classifier: the trained classifier, with averaged weights if there are any.
        split: the validation split, which must not have been trained on.
    """
    if split.labels is None or not len(split):
        return classifier.temperature
    if len(split) < LEAST_IMAGES:
        print(
            f"warning: {len(split)} validation images are too few to fit a temperature, which needs"
            f" {LEAST_IMAGES}; the probabilities are not calibrated",
            file=sys.stderr,
        )
        return classifier.temperature
    classifier.temperature = fit_temperature(classifier, split.images, split.labels)
    return classifier.temperature


def fit_temperature(classifier: ImageClassifier, images: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature at which the probabilities fit the labels best.

    The classifier is not changed.

    Args:
        classifier: the trained classifier.
        images: uint8 `[n, height, width, channels]` that were not used in training, n at least 100.
        labels: int `[n]`, the classes of the images.

    Raises:
        UserError: if there are too few images, or the logits are not finite.
    """
    if len(images) < LEAST_IMAGES:
        raise UserError(
            f"A temperature needs at least {LEAST_IMAGES} labelled images, received "
            f"{len(images)}. Give more validation images."
        )
    logits = logits_of(classifier, Split(images, labels))
    if not np.isfinite(logits).all():
        raise UserError(
            "The classifier returns logits that are not finite, so no temperature fits. Train it "
            "again with a lower learning rate."
        )
    return best_temperature(logits, np.asarray(labels))


def logits_of(classifier: ImageClassifier, split: Split) -> np.ndarray:
    """Returns the logits of a split in order, float64 `[n, K]`."""
    batches = evaluation_batches(split, batch_size=BATCH_SIZE)
    parts = [keras.ops.convert_to_numpy(classifier.logits(to_float(x))) for x, _ in batches]
    return np.concatenate(parts).astype(np.float64)


def probabilities_at(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Computes `softmax(logits / temperature)` of float64 logits `[n, K]`."""
    exponentials = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Returns the temperature T in [0.05, 20] with the least negative log-likelihood.

    The mean of `-log softmax(a / T)_y` is convex in 1 / T, and its derivative there is the mean of
    `sum_k p_k a_k - a_y`. Bisection finds the root of the derivative. If every image is classified
    correctly, the likelihood grows as T falls to 0. T is then chosen so that the mean confidence is
    `(n + 1) / (n + 2)`, Laplace's estimate of the accuracy.

    Args:
        logits: finite float64 `[n, K]`, n at least 1.
        labels: int `[n]`, the true classes.

    Source: Guo et al., arXiv 1706.04599, section 4.2.
    """
    logits = logits - logits.max(axis=1, keepdims=True)
    of_label = logits[np.arange(len(labels)), labels]

    def slope(inverse: float) -> float:
        probabilities = probabilities_at(logits, 1.0 / inverse)
        return float(((probabilities * logits).sum(axis=1) - of_label).mean())

    def confidence_error(inverse: float) -> float:
        accuracy = (len(labels) + 1) / (len(labels) + 2)
        return float(probabilities_at(logits, 1.0 / inverse).max(axis=1).mean()) - accuracy

    all_right = bool((logits.argmax(axis=1) == labels).all())
    return 1.0 / _root(confidence_error if all_right else slope, 1.0 / HIGHEST, 1.0 / LOWEST)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Returns the root of an increasing function; the nearest bound if the root is outside."""
    if function(low) >= 0.0:
        return low
    if function(high) <= 0.0:
        return high
    for _ in range(_BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if function(middle) < 0.0 else (low, middle)
    return math.sqrt(low * high)
