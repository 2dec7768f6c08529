"""Network families by name, and functions that build their generators, critics and features."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from zoo.names import unknown_name
from zoo.networks.autoencoder import AutoEncoderGenerator
from zoo.networks.characters import CharacterCritic, CharacterGenerator, characters_base
from zoo.networks.classifier import CLSGANFeatures, ReleasedCLSGANFeatures
from zoo.networks.dcgan import DCGANCritic, DCGANGenerator
from zoo.networks.mlp import MLPCritic, MLPGenerator, check_mlp_shape
from zoo.networks.network import (
    Network,
    base_and_halvings,
    base_of_fixed_halvings,
    check_image_shape,
)
from zoo.networks.r3gan import R3GANCritic, R3GANGenerator
from zoo.networks.residual import ResidualFeatures, check_residual_shape
from zoo.networks.resnet import ResNetCritic, ResNetGenerator
from zoo.networks.scene import SceneCritic, SceneGenerator, scene_base

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Builder:
    """A network class and the options that it takes.

    Args:
        constructor: the network's class.
        options: option name -> name of the constructor's argument.
    """

    constructor: Callable[..., Network]
    options: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Family:
    """A generator and the networks that are trained with it.

    Args:
        check_shape: a function that raises ValueError for an unsupported image shape.
        generator: from latents to images.
        critic: from images to scores; None if the family's critic is a classifier or an
            auto-encoder.
        features: from images to a classifier's features; None if the family has none.
    """

    check_shape: Callable[[Shape], object]
    generator: Builder
    critic: Builder | None = None
    features: Builder | None = None


def _check_doubling_shape(shape: Shape) -> None:
    base_and_halvings(check_image_shape(shape)[0])


def _check_scene_shape(shape: Shape) -> None:
    scene_base(check_image_shape(shape)[0])


def _check_character_shape(shape: Shape) -> None:
    characters_base(check_image_shape(shape)[0])


def _check_released_shape(shape: Shape) -> None:
    size = check_image_shape(shape)[0]
    base_of_fixed_halvings(size, steps=3, network="The network pair of the released CLS-GAN script")


_FILTERS = {"filters": "filters", "normalization": "normalization"}
_BASE_FILTERS = {"filters": "base_filters", "normalization": "normalization"}
_LABELLED = {**_FILTERS, "num_classes": "num_classes", "label_dim": "label_dim"}
_MLP = {"filters": "units", "depth": "depth", "activation": "activation"}
_DCGAN = Builder(DCGANGenerator, {**_BASE_FILTERS, "upsampling": "upsampling"})

NETWORKS: dict[str, Family] = {
    "dcgan": Family(_check_doubling_shape, _DCGAN, critic=Builder(DCGANCritic, _FILTERS)),
    "resnet": Family(
        _check_doubling_shape,
        Builder(ResNetGenerator, _FILTERS),
        critic=Builder(ResNetCritic, {"filters": "filters"}),
    ),
    "mlp": Family(check_mlp_shape, Builder(MLPGenerator, _MLP), critic=Builder(MLPCritic, _MLP)),
    "scene": Family(
        _check_scene_shape,
        Builder(SceneGenerator, _BASE_FILTERS),
        critic=Builder(SceneCritic, _FILTERS),
    ),
    "characters": Family(
        _check_character_shape,
        Builder(CharacterGenerator, _BASE_FILTERS),
        critic=Builder(CharacterCritic, _LABELLED),
    ),
    "autoencoder": Family(_check_doubling_shape, Builder(AutoEncoderGenerator, _FILTERS)),
    "r3gan": Family(
        _check_doubling_shape,
        Builder(R3GANGenerator, {"filters": "filters"}),
        critic=Builder(R3GANCritic, {"filters": "filters"}),
    ),
    "clsgan": Family(
        _check_doubling_shape,
        _DCGAN,
        features=Builder(CLSGANFeatures, {**_FILTERS, "dropout": "dropout"}),
    ),
    "clsgan_released": Family(
        _check_released_shape, _DCGAN, features=Builder(ReleasedCLSGANFeatures, _FILTERS)
    ),
    "residual": Family(
        check_residual_shape,
        _DCGAN,
        features=Builder(ResidualFeatures, {**_FILTERS, "dropout": "dropout"}),
    ),
}
"""Families by name. `dcgan`: DCGAN. `resnet`: the LGAN paper's residual networks. `mlp`: multilayer
perceptrons, for points and images. `scene`: the LSGAN paper's networks for 112 x 112 pixels.
`characters`: the LSGAN paper's networks for thousands of classes, with a critic that takes labels.
`autoencoder`: BEGAN's decoder as generator; its critic is `AutoEncoderCritic`. `r3gan`: R3GAN's
residual networks without normalisation. `clsgan`: the CLS-GAN paper's classifier with DCGAN's
generator. `clsgan_released`: the networks of the released CLS-GAN script. `residual`: a residual
classifier of nine layers with DCGAN's generator."""


def family(name: str) -> Family:
    """Returns a family by name; raises ValueError with the nearest known name."""
    if name in NETWORKS:
        return NETWORKS[name]
    raise ValueError(unknown_name("network", name, NETWORKS))


def check_image_size(name: str, image_shape: Shape) -> None:
    """Checks that a family supports an image shape, without building a network.

    Args:
        name: str, a name in `NETWORKS`.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.

    Raises:
        ValueError: an unknown name or an unsupported shape.
    """
    family(name).check_shape(image_shape)


def make_generator(
    name: str,
    *,
    image_shape: Shape,
    latent_dim: int,
    latent: str = "normal",
    num_classes: int = 0,
    filters: int | None = None,
    normalization: str | None = None,
    depth: int | None = None,
    activation: str | None = None,
    upsampling: str | None = None,
) -> Network:
    """Builds the generator of a family.

    For the options `filters` to `upsampling`, None selects the network's own default.

    Args:
        name: str, a name in `NETWORKS`.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.
        latent_dim: int, at least 1, the latent's dimension.
        latent: `"normal"` (N(0, I)) or `"uniform"` (U(-1, 1)^d), the prior.
        num_classes: int, K, or 0 for an unconditional generator.
        filters: int, channels at the base resolution (`mlp`: units per layer).
        normalization: `"batch"`, `"conditional_batch"` (needs `num_classes`), `"layer"` or
            `"none"`; `mlp` and `r3gan` accept `"none"` only.
        depth: int, number of hidden layers; `mlp` only.
        activation: str, activation of the hidden layers; `mlp` only.
        upsampling: `"transposed"`, `"nearest"` or `"bilinear"`; DCGAN's generator only.

    Returns:
        A `zoo.networks.Generator`, from float latents `[B, d]` (or, with classes, from
        `{"latent": [B, d], "label": [B]}`) to images `[B, *image_shape]`. Images are in [-1, 1];
        the points of `mlp` are not bounded.

    Raises:
        ValueError: an unknown name, an option that the network does not have, a value outside its
            range, or an unsupported image size.

    Example:
    >>> import keras
    >>> generator = make_generator("dcgan", image_shape=(32, 32, 3), latent_dim=100, filters=64)
    >>> generator(keras.random.normal((2, 100))).shape
    TensorShape([2, 32, 32, 3])
    """
    builder = family(name).generator
    given = {"filters": filters, "normalization": normalization}
    given |= {"depth": depth, "activation": activation, "upsampling": upsampling}
    options = _constructor_options(name, builder, "generator", given)
    check_image_size(name, image_shape)
    return builder.constructor(
        image_shape, latent_dim=latent_dim, latent=latent, num_classes=num_classes, **options
    )


def make_critic(
    name: str,
    *,
    image_shape: Shape,
    filters: int | None = None,
    normalization: str | None = None,
    depth: int | None = None,
    activation: str | None = None,
    num_classes: int | None = None,
    label_dim: int | None = None,
) -> Network:
    """Builds the critic of a family.

    For all options, None selects the network's own default.

    Args:
        name: str, a name in `NETWORKS` whose family has a critic.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.
        filters: int, channels of the first layer (`mlp`: units per layer).
        normalization: `"batch"`, `"layer"` or `"none"`; `resnet`, `r3gan` and `mlp` accept
            `"none"` only.
        depth: int, number of hidden layers; `mlp` only.
        activation: str, activation of the hidden layers; `mlp` only.
        num_classes: int, K; `characters` only, where it is required.
        label_dim: int, the size of the label embedding; `characters` only.

    Returns:
        A `zoo.networks.ImageNetwork`, from images `[B, *image_shape]` in [-1, 1] to raw float32
        scores `[B]`. The critic of `characters` takes `{"images": ..., "label": [B]}`.

    Raises:
        ValueError: an unknown name, a family without such a critic, an option that the network does
            not have, a value outside its range, or an unsupported image size.

    Example:
    >>> import keras
    >>> critic = make_critic("dcgan", image_shape=(32, 32, 3), filters=16)
    >>> critic(keras.ops.zeros((2, 32, 32, 3))).shape
    TensorShape([2])
    """
    builder = family(name).critic
    if builder is None:
        scoring = ", ".join(key for key, value in NETWORKS.items() if value.critic)
        gives = "logits" if family(name).features else "images, as zoo.networks.AutoEncoderCritic"
        raise ValueError(
            f"The critic of {name!r} gives {gives}, and not a single score. Networks whose critic "
            f"gives a score: {scoring}."
        )
    given = {"filters": filters, "normalization": normalization}
    given |= {"depth": depth, "activation": activation}
    given |= {"num_classes": num_classes, "label_dim": label_dim}
    options = _constructor_options(name, builder, "critic", given)
    check_image_size(name, image_shape)
    return builder.constructor(image_shape, **options)


def make_features(
    name: str,
    *,
    image_shape: Shape,
    filters: int | None = None,
    normalization: str | None = None,
    dropout: float | None = None,
) -> Network:
    """Builds the feature network of a family, for `zoo.ImageClassifier`.

    For all options, None selects the network's own default.

    Args:
        name: str, a name in `NETWORKS` whose family has features.
        image_shape: (size, size, channels).
        filters: int, channels of the first layer.
        normalization: `"batch"`, `"layer"` or `"none"`.
        dropout: float in [0, 1); `clsgan` and `residual` only.

    Returns:
        A `zoo.networks.ImageNetwork`, from images `[B, *image_shape]` in [-1, 1] to features
        `[B, h, w, c]`.

    Raises:
        ValueError: an unknown name, a family without features, an option that the network does not
            have, a value outside its range, or an unsupported image size.

    Example:
    >>> make_features("clsgan", image_shape=(32, 32, 3), filters=8).image_shape
    (32, 32, 3)
    """
    builder = family(name).features
    if builder is None:
        classifying = ", ".join(key for key, value in NETWORKS.items() if value.features)
        raise ValueError(
            f"{name!r} has no feature network for a classifier. Networks that have one: "
            f"{classifying}."
        )
    given = {"filters": filters, "normalization": normalization, "dropout": dropout}
    options = _constructor_options(name, builder, "feature network", given)
    check_image_size(name, image_shape)
    return builder.constructor(image_shape, **options)


def _constructor_options(
    name: str, builder: Builder, network: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns constructor arguments for the options that are not None.

    Raises:
        ValueError: an option that the constructor does not have; `normalization="none"` is allowed.
    """
    arguments = {}
    for option, value in options.items():
        if option in builder.options:
            if value is not None:
                arguments[builder.options[option]] = value
        elif value is not None and (option, value) != ("normalization", "none"):
            raise ValueError(
                f"The {network} of {name!r} has no option `{option}`, received {value!r}. Its "
                f"options: {', '.join(builder.options)}."
            )
    return arguments
