"""Tests of the minimum reconstruction error with values calculated by hand."""

import dataclasses

import numpy as np
import pytest

from tests.support.metric_cases import LinearGenerator, linear_generator, noise_data
from training.data.image_data import ImageData, Split
from training.metrics.metric import Inversion, MetricInput
from training.metrics.mre import METRIC
from zoo.errors import UserError
from zoo.tasks import ImageGenerator

QUICK = Inversion(images=30, steps=150, restarts=2)


def subject(
    generator: ImageGenerator, data: ImageData, how: Inversion = QUICK, **changes
) -> MetricInput:
    return MetricInput(generator=generator, data=data, inversion=how, **changes)


def test_one_latent_for_all_pixels_is_their_median():
    """With `G(z) = z` in every pixel, the median of the pixels minimises `mean |x - z|`."""
    generator = ImageGenerator(LinearGenerator(np.ones((9, 1), "float32")))
    data = noise_data(side=3, count=40)

    def exact(split: Split) -> float:
        pixels = split.inputs(len(split)).reshape(len(split), -1)
        return float(np.abs(pixels - np.median(pixels, axis=1, keepdims=True)).mean())

    whole = dataclasses.replace(QUICK, images=40)
    measured = METRIC.measure(subject(generator, data, whole))
    assert measured.values["mre"] == pytest.approx(exact(data.test), rel=1e-3)
    assert measured.values["mre_train"] == pytest.approx(exact(data.train), rel=1e-3)
    assert measured.values["mre_ratio"] == pytest.approx(
        measured.values["mre"] / measured.values["mre_train"]
    )
    assert measured.values["mre_rms"] > measured.values["mre"]
    assert abs(measured.values["mre_change"]) < 0.01 and not measured.warnings


def own_images() -> ImageData:
    split = Split(linear_generator().generate(30, seed=0))
    return ImageData("own", split, split, split)


def test_images_of_the_generator_itself_have_no_error():
    """The rounding to 256 levels is the only error."""
    how = dataclasses.replace(QUICK, steps=300)
    measured = METRIC.measure(subject(linear_generator(), own_images(), how))
    assert measured.values["mre"] < 1 / 255


def test_too_few_steps_give_a_warning():
    how = dataclasses.replace(QUICK, steps=3)
    measured = METRIC.measure(subject(linear_generator(), own_images(), how))
    assert measured.values["mre_change"] > 0.01 and "not converged" in measured.warnings[0]
    assert measured.protocol["mre_steps"] == 3


def conditional(classes: int = 2) -> ImageGenerator:
    generator = linear_generator(num_classes=classes)
    shifts = np.stack([np.full(16, -0.8), np.full(16, 0.8)]).astype("float32")
    generator.network.shifts.assign(shifts)
    return generator


def labelled_by_the_wrong_class() -> ImageData:
    images = conditional().generate(20, labels=1, seed=3)
    split = Split(images, np.zeros(20, np.int64))
    return ImageData("wrong", split, split, split, ("a", "b"))


def test_labels_are_given_or_searched():
    data = labelled_by_the_wrong_class()
    given = METRIC.measure(subject(conditional(), data))
    searched = METRIC.measure(
        subject(conditional(), data, dataclasses.replace(QUICK, labels="searched"))
    )
    assert searched.values["mre"] < 0.02 < 0.1 < given.values["mre"]
    assert searched.protocol["mre_labels"] == "searched"


def test_what_does_not_fit_is_refused():
    searched = dataclasses.replace(QUICK, labels="searched")
    with pytest.raises(UserError, match="no classes"):
        METRIC.measure(subject(linear_generator(), noise_data(side=4), searched))
    with pytest.raises(UserError, match="2 classes and noise has none"):
        METRIC.measure(subject(conditional(), noise_data(side=4, classes=0)))


def test_a_bound_on_the_latent_is_kept():
    """A generator with small weights needs a latent far outside of the prior."""
    generator = ImageGenerator(LinearGenerator(np.full((9, 1), 0.01, "float32")))
    split = Split(np.full((5, 3, 3, 1), 255, np.uint8))
    data = ImageData("white", split, split, split)
    free = METRIC.measure(subject(generator, data, dataclasses.replace(QUICK, steps=400)))
    bound = METRIC.measure(subject(generator, data, dataclasses.replace(QUICK, max_norm=1.2)))
    assert bound.values["mre"] == pytest.approx(1 - 0.012, abs=1e-3)
    assert free.values["mre"] < bound.values["mre"] - 0.01
