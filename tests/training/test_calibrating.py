"""Temperatures: the fit, its bounds, and a run's hook."""

import numpy as np
import pytest

from tests.support.small_tasks import make_classifier, raw
from training.calibrating import LEAST_IMAGES, best_temperature, calibrate, fit_temperature
from training.data.image_data import Split
from zoo.errors import UserError


def drawn(n=2000, k=5, seed=0):
    """Returns logits and labels that are drawn from the logits' softmax."""
    random = np.random.default_rng(seed)
    logits = random.normal(0.0, 2.0, (n, k))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return logits, (p.cumsum(axis=1) > random.uniform(size=(n, 1))).argmax(axis=1)


def loss(logits, labels, temperature):
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_of_drawn_labels_is_found(true):
    logits, labels = drawn()
    found = best_temperature(true * logits, labels)
    assert found == pytest.approx(true, rel=0.1)
    for other in (0.99, 1.01):
        scaled = true * logits
        assert loss(scaled, labels, found) < loss(scaled, labels, other * found)


def test_doubled_logits_get_twice_the_temperature():
    model, images = make_classifier(num_classes=3), raw(150)
    labels = np.random.default_rng(1).integers(0, 3, 150)
    labels[:100] = model.predict(images[:100]).argmax(axis=1)
    once = fit_temperature(model, images, labels)
    assert model.temperature == 1.0
    for variable in model.predictions.variables:
        variable.assign(2.0 * variable)
    assert fit_temperature(model, images, labels) == pytest.approx(2.0 * once, rel=1e-5)


def test_extreme_logits_stay_in_the_bounds():
    logits, labels = drawn(200)
    assert best_temperature(logits, (logits.argmax(axis=1) + 1) % 5) == pytest.approx(20.0)
    assert best_temperature(1e4 * logits, labels) == pytest.approx(20.0)
    assert best_temperature(1e-4 * logits, labels) == pytest.approx(0.05)


def test_without_an_error_the_confidence_is_laplaces():
    logits = np.random.default_rng(0).normal(0.0, 1.0, (200, 4))
    labels = logits.argmax(axis=1)
    logits[np.arange(200), labels] += 2.0
    found = best_temperature(logits, labels)
    p = np.exp(logits / found)
    confidence = (p / p.sum(axis=1, keepdims=True)).max(axis=1).mean()
    assert confidence == pytest.approx(201 / 202, abs=1e-6)


def test_calibrate_sets_the_temperature_of_predict():
    model, images = make_classifier(num_classes=3), raw(120)
    before = model.predict(images)
    labels = np.random.default_rng(2).integers(0, 3, 120)
    assert calibrate(model, Split(images, labels)) == model.temperature != 1.0
    powers = before.astype(np.float64) ** (1.0 / model.temperature)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(images), expected, atol=1e-5)


def test_few_images_leave_the_temperature(capsys):
    model, labels = make_classifier(), np.zeros(LEAST_IMAGES - 1, "int64")
    images = raw(LEAST_IMAGES - 1)
    assert calibrate(model, Split(images, labels)) == 1.0
    assert "99 validation images are too few" in capsys.readouterr().err
    assert calibrate(model, Split(images, None)) == 1.0
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match="at least 100 labelled images, received 99"):
        fit_temperature(model, images, labels)


def test_logits_that_are_not_finite_are_refused():
    model = make_classifier()
    model.predictions.bias.assign([np.nan] * 4)
    with pytest.raises(UserError, match="not finite"):
        fit_temperature(model, raw(100), np.zeros(100, "int64"))
