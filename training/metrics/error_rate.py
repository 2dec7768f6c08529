"""The error rate of a classifier in inference mode."""

import keras
import numpy as np

from training.data.image_data import Split
from training.data.pipeline import evaluation_batches
from training.metrics.metric import Metric, MetricInput, MetricResult
from zoo.errors import UserError
from zoo.images import to_float

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


def _measure(subject: MetricInput) -> MetricResult:
    assert subject.data is not None and subject.classifier is not None
    split: Split = getattr(subject.data, subject.split)
    if split.labels is None:
        raise UserError(
            f"The metric error needs labels, and {subject.data.name} has none. Give a labelled "
            "data set with --data."
        )
    classes = subject.classifier.num_classes
    if classes != subject.data.num_classes:
        raise UserError(
            f"The classifier has {classes} classes and {subject.data.name} has "
            f"{subject.data.num_classes}. Give the data set it was trained on with --data."
        )
    error = error_rate(subject.classifier, split)
    return MetricResult({"error": error}, (), {"images": len(split)})


METRIC = Metric(
    name="error",
    title="Error rate",
    measure=_measure,
    better={"error": "low"},
    needs="classifier",
)
