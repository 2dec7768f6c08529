"""Normalisation layers by name, for the networks' option `normalization`."""

import keras

from zoo.layers.conditional_normalization import ConditionalBatchNormalization

CONDITIONAL = "conditional_batch"
NORMALIZATIONS = ("batch", CONDITIONAL, "layer", "none")


def make_normalization(
    kind: str,
    *,
    name: str,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
    scale_deviation: float = 0.02,
    num_classes: int = 0,
) -> keras.layers.Layer:
    """Builds a normalisation layer. The defaults are the settings of the DCGAN code.

    Batch normalisation computes its statistics over the global batch (`synchronized=True`), so one
    replica and several replicas compute the same values.

    Args:
        kind: `"batch"`, `"conditional_batch"` (a scale and an offset per class; call it through
            `apply_normalization`), `"layer"` or `"none"`.
        name: str, the layer's name.
        momentum: float in [0, 1), decay of the moving statistics; batch kinds only.
        epsilon: float > 0, added to the variance; batch kinds only.
        scale_deviation: float >= 0, gamma starts at N(1, scale_deviation); batch kinds only.
        num_classes: int, K, at least 1 for `"conditional_batch"`.

    Raises:
        ValueError: an unknown kind, or `"conditional_batch"` without classes.

    Source: soumith/dcgan.torch, main.lua.
    """
    if kind == "layer":
        return keras.layers.LayerNormalization(axis=(1, 2, 3), epsilon=1e-5, name=name)
    if kind == "none":
        return keras.layers.Identity(name=name)
    if kind not in NORMALIZATIONS:
        raise ValueError(f"`normalization` must be one of {NORMALIZATIONS}, received {kind!r}.")
    gamma = keras.initializers.RandomNormal(1.0, scale_deviation) if scale_deviation else "ones"
    if kind == CONDITIONAL:
        return ConditionalBatchNormalization(
            num_classes, momentum=momentum, epsilon=epsilon, gamma_initializer=gamma, name=name
        )
    return keras.layers.BatchNormalization(
        momentum=momentum,
        epsilon=epsilon,
        gamma_initializer=gamma,
        synchronized=True,
        name=name,
    )


def apply_normalization(
    norm: keras.layers.Layer,
    x: keras.KerasTensor,
    label: keras.KerasTensor | None = None,
    *,
    training: bool,
) -> keras.KerasTensor:
    """Applies a layer of `make_normalization`; only the conditional kind uses `label` `[B]`."""
    if isinstance(norm, ConditionalBatchNormalization):
        return norm(x, label, training=training)
    return norm(x, training=training)
