"""Batch normalisation with other settings than DCGAN's, for the networks whose code has others."""

import keras

from zoo.layers.normalization import normalization


def normalization_of(
    kind: str, *, momentum: float, epsilon: float, name: str
) -> keras.layers.Layer:
    """Returns a normalisation layer; the batch kind has gamma = 1 and the given settings.

    Args:
        kind: `"batch"`, `"layer"` or `"none"`, the latter two as in `zoo.layers.normalization`.
        momentum: float in [0, 1), decay of the moving statistics.
        epsilon: float > 0, added to the variance.
        name: str, the layer's name.

    Raises:
        ValueError: another kind.
    """
    if kind != "batch":
        return normalization(kind, name=name)
    return keras.layers.BatchNormalization(
        momentum=momentum, epsilon=epsilon, synchronized=True, name=name
    )
