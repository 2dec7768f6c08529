"""The expected calibration error: values worked out by hand, and its row."""

import numpy as np
import pytest

from tests.support.small_tasks import make_classifier, raw
from training.data.image_data import ImageData, Split
from training.metrics import find_metrics
from training.metrics.calibration import expected_calibration_error
from training.metrics.evaluation import Evaluation
from zoo.errors import UserError


def test_values_worked_by_hand():
    """Bins of width 1/15: (0.533, 0.6] has 0.6 and 0.55, (0.867, 0.933] has 0.9 twice."""
    p = np.array([0.6, 0.55, 0.9, 0.9])
    probabilities = np.stack([p, 1.0 - p], axis=1)
    labels = np.array([0, 1, 0, 0])
    expected = 2 / 4 * abs(0.5 - 0.575) + 2 / 4 * abs(1.0 - 0.9)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(expected)
    one_bin = abs(3 / 4 - p.mean())
    assert expected_calibration_error(probabilities, labels, bins=1) == pytest.approx(one_bin)


def test_sure_and_right_is_zero_and_sure_and_wrong_is_one():
    sure = np.eye(3)[[0, 1, 2, 0]]
    assert expected_calibration_error(sure, np.array([0, 1, 2, 0])) == 0.0
    assert expected_calibration_error(sure, np.array([1, 2, 0, 1])) == 1.0


def test_a_calibrated_classifier_has_a_small_error():
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(4), 50_000)
    labels = (p.cumsum(axis=1) > random.uniform(size=(50_000, 1))).argmax(axis=1)
    assert expected_calibration_error(p, labels) < 0.01
    powers = p**3
    sharp = powers / powers.sum(axis=1, keepdims=True)
    assert expected_calibration_error(sharp, labels) > 0.1


def evaluation(count, labels=True):
    given = np.arange(count) % 4 if labels else None
    split = Split(raw(count), given)
    names = ("0", "1", "2", "3") if labels else ()
    data = ImageData("tiny", split, split, split, names)
    return Evaluation(
        metrics=find_metrics(["error", "calibration"]), data=data, split="test", samples=1
    )


def test_row_has_its_protocol_and_depends_on_the_temperature():
    model = make_classifier()
    error, row = evaluation(40).measure(classifier=model)
    assert row["key"] == "calibration[40/test,15 bins]"
    expected = expected_calibration_error(model.predict(raw(40)), np.arange(40) % 4)
    assert row["value"] == pytest.approx(expected, abs=1e-6)
    assert "biased upwards" in row["warnings"][0]
    model.temperature = 10.0
    error_after, after = evaluation(40).measure(classifier=model)
    assert abs(after["value"] - row["value"]) > 0.01
    assert error_after == error


def test_too_few_images_or_no_labels_are_refused():
    with pytest.raises(UserError, match="calibration needs at least 15 real images"):
        evaluation(14)
    unlabelled = evaluation(40, labels=False)
    with pytest.raises(UserError, match="needs labels"):
        unlabelled.measure(classifier=make_classifier())
