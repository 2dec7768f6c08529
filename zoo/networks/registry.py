"""The networks by name: what a recipe's field `network` chooses from."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from zoo.names import unknown_name
from zoo.networks.characters import CharacterCritic, CharacterGenerator, characters_base
from zoo.networks.classifier import CLSGANFeatures, ReleasedCLSGANFeatures
from zoo.networks.dcgan import DCGANCritic, DCGANGenerator
from zoo.networks.mlp import MLPCritic, MLPGenerator, check_mlp_shape
from zoo.networks.network import Network, check_image_shape, fixed_halvings, halvings
from zoo.networks.resnet import ResNetCritic, ResNetGenerator
from zoo.networks.scene import SceneCritic, SceneGenerator, scene_base

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Part:
    """How one part of a family is made.

    Args:
        constructor: the network's class.
        options: the constructor's argument by the name of the option.
    """

    constructor: Callable[..., Network]
    options: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Family:
    """Networks that belong together.

    Args:
        check_shape: raises ValueError for an image shape that the networks cannot make.
        generator: from latents to images.
        critic: from images to scores; None for a family whose critic is a classifier.
        features: from images to the features of a classifier; None for a family without.
    """

    check_shape: Callable[[Shape], object]
    generator: Part
    critic: Part | None = None
    features: Part | None = None


def _doubling(shape: Shape) -> None:
    halvings(check_image_shape(shape)[0])


def _scene(shape: Shape) -> None:
    scene_base(check_image_shape(shape)[0])


def _characters(shape: Shape) -> None:
    characters_base(check_image_shape(shape)[0])


def _released(shape: Shape) -> None:
    size = check_image_shape(shape)[0]
    fixed_halvings(size, steps=3, network="The released CLS-GAN script's pair")


_DCGAN = Part(DCGANGenerator, {"filters": "base_filters", "normalization": "normalization"})
_BOTH = {"filters": "filters", "normalization": "normalization"}
_LABELLED = {**_BOTH, "num_classes": "num_classes", "label_dim": "label_dim"}
_MLP = {"filters": "units", "depth": "depth", "activation": "activation"}

NETWORKS: dict[str, Family] = {
    "dcgan": Family(_doubling, _DCGAN, critic=Part(DCGANCritic, _BOTH)),
    "resnet": Family(
        _doubling, Part(ResNetGenerator, _BOTH), critic=Part(ResNetCritic, {"filters": "filters"})
    ),
    "mlp": Family(check_mlp_shape, Part(MLPGenerator, _MLP), critic=Part(MLPCritic, _MLP)),
    "scene": Family(
        _scene,
        Part(SceneGenerator, {"filters": "base_filters", "normalization": "normalization"}),
        critic=Part(SceneCritic, _BOTH),
    ),
    "characters": Family(
        _characters,
        Part(CharacterGenerator, {"filters": "base_filters", "normalization": "normalization"}),
        critic=Part(CharacterCritic, _LABELLED),
    ),
    "clsgan": Family(
        _doubling, _DCGAN, features=Part(CLSGANFeatures, {**_BOTH, "dropout": "dropout"})
    ),
    "clsgan_released": Family(_released, _DCGAN, features=Part(ReleasedCLSGANFeatures, _BOTH)),
}
"""Families by name. `dcgan`: DCGAN at any size. `resnet`: the LGAN paper's. `mlp`: perceptrons, for
points too. `scene`: LSGAN's for 112 x 112. `characters`: LSGAN's for thousands of classes, whose
critic takes labels. `clsgan`: the CLS-GAN paper's classifier with DCGAN's generator.
`clsgan_released`: those of the released CLS-GAN script."""


def family(name: str) -> Family:
    """Returns the family of that name, or raises ValueError with the nearest names."""
    if name in NETWORKS:
        return NETWORKS[name]
    raise ValueError(unknown_name("network", name, NETWORKS))


def check_image_size(name: str, image_shape: Shape) -> None:
    """Raises ValueError where the named networks cannot make such images; builds nothing.

    Args:
        name: str, a name in `NETWORKS`.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.
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
) -> Network:
    """Makes the generator of a family.

    Args:
        name: str, a name in `NETWORKS`.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.
        latent_dim: int, the latent's dimension.
        latent: `"normal"` or `"uniform"`, the prior.
        num_classes: int, 0 for an unconditional generator.
        filters: int, channels at the base resolution (`mlp`: units of a layer). This and what
            follows: None takes the network's own default.
        normalization: `"batch"`, `"conditional_batch"` (of a conditional generator), `"layer"` or
            `"none"`; `mlp` has none, and takes `"none"` only.
        depth: int, hidden layers; `mlp` only.
        activation: str, of the hidden layers; `mlp` only.

    Raises:
        ValueError: an unknown name, an option that the network does not have, a value that cannot
            be, or a size that the network cannot make.

    Example:
    >>> make_generator("dcgan", image_shape=(32, 32, 3), latent_dim=100, filters=64).image_shape
    (32, 32, 3)
    """
    given = {"depth": depth, "activation": activation}
    options = _constructor_options(
        name,
        family(name).generator,
        "generator",
        {"filters": filters, "normalization": normalization, **given},
    )
    check_image_size(name, image_shape)
    return family(name).generator.constructor(
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
    """Makes the critic of a family: from images to raw scores `[B]`.

    Args:
        name: str, a name in `NETWORKS` whose family has a critic.
        image_shape: (size, size, channels), or (dimensions,) for `mlp`.
        filters: int, channels of the first layer (`mlp`: units of a layer). This and what
            follows: None takes the network's own default.
        normalization: `"batch"`, `"layer"` or `"none"`; `resnet` and `mlp` have none, and take
            `"none"` only.
        depth: int, hidden layers; `mlp` only.
        activation: str, of the hidden layers; `mlp` only.
        num_classes: int; `characters` only, and needed there.
        label_dim: int, the size of the label's linear map; `characters` only.

    Raises:
        ValueError: as `make_generator`.
    """
    part = family(name).critic
    if part is None:
        scoring = ", ".join(key for key, value in NETWORKS.items() if value.critic)
        raise ValueError(
            f"The critic of {name!r} is a classifier, which gives no single score. Networks whose "
            f"critic does: {scoring}."
        )
    given = {"depth": depth, "activation": activation}
    given |= {"num_classes": num_classes, "label_dim": label_dim}
    options = _constructor_options(
        name, part, "critic", {"filters": filters, "normalization": normalization, **given}
    )
    check_image_size(name, image_shape)
    return part.constructor(image_shape, **options)


def make_features(
    name: str,
    *,
    image_shape: Shape,
    filters: int | None = None,
    normalization: str | None = None,
    dropout: float | None = None,
) -> Network:
    """Makes the feature network of a family, for `zoo.ImageClassifier`.

    Args:
        name: str, a name in `NETWORKS` whose family has features.
        image_shape: (size, size, channels).
        filters: int, channels of the first layer. This and what follows: None takes the network's
            own default.
        normalization: `"batch"`, `"layer"` or `"none"`.
        dropout: float in [0, 1); `clsgan` only.

    Raises:
        ValueError: as `make_generator`.
    """
    part = family(name).features
    if part is None:
        classifying = ", ".join(key for key, value in NETWORKS.items() if value.features)
        raise ValueError(
            f"{name!r} has no features for a classifier. Networks that have: {classifying}."
        )
    options = _constructor_options(
        name,
        part,
        "feature network",
        {"filters": filters, "normalization": normalization, "dropout": dropout},
    )
    check_image_size(name, image_shape)
    return part.constructor(image_shape, **options)


def _constructor_options(
    name: str, part: Part, what: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The given options under the constructor's names; an option it does not have is an error."""
    arguments = {}
    for option, value in options.items():
        if option in part.options:
            if value is not None:
                arguments[part.options[option]] = value
        elif value is not None and (option, value) != ("normalization", "none"):
            raise ValueError(
                f"The {what} of {name!r} has no option `{option}`, received {value!r}. Its "
                f"options: {', '.join(part.options)}."
            )
    return arguments
