"""The error rate of a classifier in inference mode."""

import keras
import numpy as np

from training.data.image_data import ImageData, Split
from training.data.pipeline import evaluation_batches
from training.metrics.metric import Metric, MetricInput, MetricResult
from zoo.errors import UserError
from zoo.images import to_float
from zoo.tasks import ImageClassifier

BATCH_SIZE = 200


def error_rate(classifier: keras.Model, split: Split) -> float:
    """Computes the share of images with a wrong predicted class.

    The prediction is `argmin_y L(x, y)`. It equals the argmax of the logits, with and without the
    extra class. Batch norm uses the moving statistics, unlike the released CLS-GAN script, which
    tests in training mode.

    Args:
        classifier: maps float32 images in [-1, 1] to logits `[B, K]`.
        split: labelled images.

    Returns:
        float in [0, 1].
    """
    wrong = 0
    for images, labels in evaluation_batches(split, batch_size=BATCH_SIZE):
        logits = classifier(to_float(images), training=False)
        wrong += int(np.sum(np.argmax(keras.ops.convert_to_numpy(logits), axis=-1) != labels))
    return wrong / len(split.images)


def labelled_split(subject: MetricInput, metric: str) -> Split:
    """Returns the reference split, for a metric that compares predicted classes with labels.

    Args:
        subject: the input of the metric, with data and a classifier.
        metric: str, the name of the metric, for messages.

    Raises:
        UserError: if the split has no labels, or other classes than the classifier.
    """
    assert subject.data is not None and subject.classifier is not None
    split: Split = getattr(subject.data, subject.split)
    if split.labels is None:
        raise UserError(
            f"The metric {metric} needs labels, and {subject.data.name} has none. Give a labelled "
            "data set with --data."
        )
    classes = subject.classifier.num_classes
    if classes != subject.data.num_classes:
        raise UserError(
            f"The classifier has {classes} classes and {subject.data.name} has "
            f"{subject.data.num_classes}. Give the data set it was trained on with --data."
        )
    _check_names(subject.classifier, subject.data)
    return split


def _measure(subject: MetricInput) -> MetricResult:
    split = labelled_split(subject, "error")
    assert subject.classifier is not None
    error = error_rate(subject.classifier, split)
    return MetricResult({"error": error}, (), {"images": len(split)})


def _check_names(classifier: keras.Model, data: ImageData) -> None:
    """Raises UserError if the classes of the classifier and of the data have other names.

    A classifier without given names has the numbers of its classes as names.
    """
    if not isinstance(classifier, ImageClassifier):
        return
    ours, theirs = list(classifier.class_names), list(data.class_names)
    numbers = list(map(str, range(len(ours))))
    if ours == theirs or numbers in (ours, theirs):
        return
    place = next(i for i, pair in enumerate(zip(ours, theirs, strict=True)) if len(set(pair)) > 1)
    raise UserError(
        f"Class {place} of the classifier is {ours[place]!r} and class {place} of {data.name} is "
        f"{theirs[place]!r}, so the labels mean different classes. Give data whose classes have "
        f"the same names in the same order: {', '.join(ours)}."
    )


METRIC = Metric(
    name="error",
    title="Error rate",
    measure=_measure,
    better={"error": "low"},
    needs="classifier",
)
