"""Functions that build generators, critics and features of a network family by name."""

from collections.abc import Mapping
from typing import Any

from zoo.networks.network import Network
from zoo.networks.registry import NETWORKS, Builder, Shape, check_image_size, family


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
        num_classes: int, K; `characters` only, which needs it.
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
