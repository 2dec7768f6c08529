"""Statistics of too few images: refused before the measurement, and never written as NaN."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.metric_cases import linear_generator, noise_data
from training.data.image_data import ImageData, Split
from training.metrics import METRICS, find_metrics
from training.metrics.evaluation import Evaluation
from training.metrics.feature_networks import FeatureNetwork
from training.metrics.fid import frechet_distance
from training.metrics.inception_score import inception_score
from training.metrics.kid import kernel_distance
from training.metrics.metric import Inversion, Metric, MetricResult
from training.metrics.precision_recall import density_coverage, precision_recall
from training.metrics.statistics import ClassScores, Moments
from zoo.errors import UserError

LEAST = {"fid": (2, 10), "kid": (2, 10), "is": (1, 20), "pr": (6, 10)}


def data_of(*, test: int, validation: int = 20) -> ImageData:
    """Returns noise of 4x4 pixels with splits of the given sizes."""
    data = noise_data(side=4, count=60)

    def first(count: int) -> Split:
        assert data.train.labels is not None
        return Split(data.train.images[:count], data.train.labels[:count])

    return ImageData("noise", data.train, first(validation), first(test), data.class_names)


def network() -> FeatureNetwork:
    """Returns features of 16 pixels, and 3 logits."""

    def from_raw(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        flat = tf.cast(tf.reshape(images, (-1, 16)), tf.float32) / 255.0
        return flat, flat[:, :3]

    return FeatureNetwork("pixels-0", from_raw, keras.Sequential(), 64)


def evaluation(name: str, *, samples: int, test: int, split: str = "test") -> Evaluation:
    return Evaluation(
        metrics=find_metrics([name]),
        data=data_of(test=test, validation=test),
        split=split,
        samples=samples,
        network=network(),
        inversion=Inversion(images=2, steps=1, restarts=1),
    )


@pytest.mark.parametrize("name", sorted(LEAST))
def test_the_least_numbers_of_images_give_finite_values(name):
    real, generated = LEAST[name]
    (row,) = evaluation(name, samples=generated, test=real).measure(generator=linear_generator())
    assert all(math.isfinite(value) for value in row["values"].values())
    assert row["value"] == row["values"][next(iter(row["values"]))]
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize("name", ["fid", "kid", "pr"])
@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_split_that_is_too_small_is_refused_before_the_measurement(name, split):
    least, _ = LEAST[name]
    with pytest.raises(
        UserError, match=rf"{name} needs at least {least} real .* {split} split .* has {least - 1}"
    ):
        evaluation(name, samples=40, test=least - 1, split=split)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_too_few_generated_images_are_refused_before_the_measurement(name):
    _, least = LEAST[name]
    with pytest.raises(
        UserError, match=rf"{name} needs at least {least} generated .* {least - 1} were requested"
    ):
        evaluation(name, samples=least - 1, test=20)


def test_metrics_without_generated_images_do_not_use_the_number_of_samples():
    for name in set(METRICS) - set(LEAST):
        (metric,) = find_metrics([name])
        evaluation(name, samples=1, test=metric.least_reference)


def test_the_functions_of_the_metrics_refuse_too_few_rows():
    one, many = np.zeros((1, 4)), np.random.default_rng(0).normal(size=(9, 4))
    moments = {n: Moments() for n in (1, 9)}
    for rows in (one, many):
        moments[len(rows)].update(rows, rows, first_row=0)
    for pair in ((moments[1], moments[9]), (moments[9], moments[1])):
        with pytest.raises(ValueError, match="at least 2 rows, received 1"):
            frechet_distance(*pair)
    for size in (1, 10):
        with pytest.raises(ValueError, match=f"received {size} for sets of 9 and 9"):
            kernel_distance(many, many, subset_size=size)
    for function in (precision_recall, density_coverage):
        with pytest.raises(ValueError, match="need more than 3 rows, received 3"):
            function(many, many[:3], neighbours=3)
    scores = ClassScores(total=19)
    scores.update(np.zeros((19, 1)), np.zeros((19, 3)), first_row=0)
    with pytest.raises(ValueError, match="at least 2 images in each of 10 splits, received 1"):
        inception_score(scores)


def test_few_images_are_marked():
    """The bound of the Inception Score is the number of images per split."""
    (row,) = evaluation("is", samples=20, test=20).measure(generator=linear_generator())
    assert row["warnings"] == [
        "each split has 2 images and the network has 3 classes: the score cannot exceed 2"
    ]
    (row,) = evaluation("pr", samples=40, test=49).measure(generator=linear_generator())
    assert "40 images are few for 5 neighbours" in row["warnings"][0]
    (row,) = evaluation("pr", samples=50, test=50).measure(generator=linear_generator())
    assert row["warnings"] == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_left_out_and_named(bad):
    values = {"mre": bad, "mre_rms": 0.5}
    metric = Metric(
        name="mre", title="", measure=lambda subject: MetricResult(values), better={"mre": "low"}
    )
    measured = Evaluation(metrics=[metric], data=data_of(test=1), split="test", samples=10)
    (row,) = measured.measure(generator=linear_generator())
    assert row["value"] is None and row["values"] == {"mre_rms": 0.5}
    assert row["warnings"] == [
        f"mre is {bad}, so it is left out: the features or images are not finite numbers"
    ]
    json.dumps(row, allow_nan=False)
