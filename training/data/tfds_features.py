"""The image feature and the label feature of a TensorFlow Datasets set, found by their types."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.errors import UserError


def image_key(builder: tfds.core.DatasetBuilder) -> str:
    """Returns the name of the image feature. The set does not need to be prepared.

    If a set has several 8-bit images, the order of preference is: the feature in
    `supervised_keys`, the feature named `image`, the first feature.

    Raises:
        UserError: if the set has no 8-bit image feature. Masks and videos do not count.
    """
    features = _features(builder)
    images = [
        key
        for key, feature in features.items()
        if isinstance(feature, tfds.features.Image)
        and not isinstance(feature, tfds.features.LabeledImage)
        and feature.np_dtype == np.uint8
    ]
    if not images:
        raise UserError(
            f"{builder.name} is not a set of 8-bit images; its features are: "
            f"{', '.join(features) or 'unknown'}."
        )
    return _preferred(images, builder, "image")


def label_key(builder: tfds.core.DatasetBuilder) -> str | None:
    """Returns the name of the `ClassLabel` feature; `None` for an unlabelled set.

    The order of preference is the same as for images, with the name `label`.
    """
    labels = [
        key
        for key, feature in _features(builder).items()
        if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes
    ]
    return _preferred(labels, builder, "label") if labels else None


def _features(builder: tfds.core.DatasetBuilder) -> dict[str, tfds.features.FeatureConnector]:
    features = builder.info.features
    return dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}


def _preferred(keys: list[str], builder: tfds.core.DatasetBuilder, usual: str) -> str:
    supervised = tf.nest.flatten(builder.info.supervised_keys or ())
    return next((key for key in (*supervised, usual) if key in keys), keys[0])
