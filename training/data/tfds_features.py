"""Which features of a TensorFlow Datasets set hold the image and its class, by their types."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.errors import UserError


def image_key(builder: tfds.core.DatasetBuilder) -> str:
    """The name of the feature that holds the image, prepared or not.

    Among several 8-bit images: the one that the set itself supervises with, else `image`, else
    the first.

    Raises:
        UserError: if the set has no image, or only masks, videos or images of other depths.
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
    """The name of the `ClassLabel` feature, chosen likewise; `None` for an unlabelled set."""
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
