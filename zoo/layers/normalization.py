"""The normalisations a network of the zoo may be asked for, by name."""

import keras

NORMALIZATIONS = ("batch", "layer", "none")


def normalization(kind: str, *, name: str) -> keras.layers.Layer:
    """Returns a normalisation layer with the settings of the DCGAN code.

    Batch normalisation takes its statistics over the global batch (`synchronized=True`), so that
    one replica and many compute the same.

    Args:
        kind: `"batch"` (gamma ~ N(1, 0.02), momentum 0.9, epsilon 1e-5), `"layer"` or `"none"`.
        name: str, the layer's name.

    Source: soumith/dcgan.torch, main.lua.
    """
    if kind == "batch":
        return keras.layers.BatchNormalization(
            momentum=0.9,
            epsilon=1e-5,
            gamma_initializer=keras.initializers.RandomNormal(1.0, 0.02),
            synchronized=True,
            name=name,
        )
    if kind == "layer":
        return keras.layers.LayerNormalization(axis=(1, 2, 3), epsilon=1e-5, name=name)
    if kind == "none":
        return keras.layers.Identity(name=name)
    raise ValueError(f"`normalization` must be one of {NORMALIZATIONS}, received {kind!r}.")
