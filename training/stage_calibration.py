"""The calibration of a trained stage: its temperature, and its error on the test split."""

import keras
import numpy as np

from training.calibrating import calibrate, logits_of, probabilities_at
from training.data.image_data import ImageData
from training.metrics.calibration import expected_calibration_error
from zoo.tasks import ImageClassifier


def calibrated(classifier: keras.Model | None, data: ImageData) -> dict[str, float]:
    """Fits the temperature of a classifier on the validation split, and sets it.

    Returns:
        `temperature`, and the expected calibration error on the test split with it
        (`calibration`) and without it (`calibration_before`); nothing without a classifier.
    """
    if not isinstance(classifier, ImageClassifier) or data.test.labels is None:
        return {}
    # One pass over the test split: a temperature changes no logit.
    logits, labels = logits_of(classifier, data.test), np.asarray(data.test.labels)
    before = classifier.temperature
    temperature = calibrate(classifier, data.validation)
    return {
        "temperature": temperature,
        "calibration": expected_calibration_error(probabilities_at(logits, temperature), labels),
        "calibration_before": expected_calibration_error(probabilities_at(logits, before), labels),
    }
