"""The registry of network families: a generator and the networks that are trained with it."""

import dataclasses
from collections.abc import Callable, Mapping

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
