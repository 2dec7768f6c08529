"""The calibration of a trained stage: its temperature, and its error on the test split."""

import keras
import numpy as np

from training.calibrating import BATCH_SIZE, calibrate
from training.data.image_data import ImageData, Split
from training.data.pipeline import evaluation_batches
from training.metrics.calibration import expected_calibration_error
from zoo.images import to_float
from zoo.tasks import ImageClassifier


def calibrated(classifier: keras.Model | None, data: ImageData) -> dict[str, float]:
    """Fits the temperature of a classifier on the validation split, and sets it.

    Returns:
        `temperature`, and the expected calibration error on the test split with it
        (`calibration`) and without it (`calibration_before`); nothing without a classifier.
    """
    if not isinstance(classifier, ImageClassifier) or data.test.labels is None:
        return {}
    before = _error(classifier, data.test)
    temperature = calibrate(classifier, data.validation)
    return {
        "temperature": temperature,
        "calibration": _error(classifier, data.test),
        "calibration_before": before,
    }


def _error(classifier: ImageClassifier, split: Split) -> float:
    batches = evaluation_batches(split, batch_size=BATCH_SIZE)
    parts = [np.asarray(classifier.probabilities(to_float(images))) for images, _ in batches]
    assert split.labels is not None
    return expected_calibration_error(np.concatenate(parts), np.asarray(split.labels))
