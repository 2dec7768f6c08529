"""Options of generator and critic, and the networks made of them."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from zoo.options import Count, Options, Share

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkOptions(Options):
    """Sizes and normalisation of generator and critic."""

    latent_dim: Count = 100
    """Dimension of the latent."""
    latent: Literal["normal", "uniform"] = "normal"
    """Prior of the latent: N(0, I) or U(-1, 1)."""
    generator_filters: Count = 512
    """Channels of the generator at its base resolution."""
    critic_filters: Count = 64
    """Channels of the first layer of the critic."""
    generator_normalization: Literal["batch", "conditional_batch", "layer", "none"] = "batch"
    """Normalisation of the generator's hidden layers; conditional_batch has a scale and an offset
    for each class, which replace the label's part of the latent."""
    critic_normalization: Literal["batch", "layer", "none"] = "batch"
    """Normalisation of the critic's hidden layers."""
    upsampling: Literal["transposed", "nearest", "bilinear"] | None = None
    """Doubling of the size in the generator: transposed convolutions (by default), or nearest or
    bilinear interpolation and a convolution, against checkerboards; generator dcgan only."""

    @property
    def generator_family(self) -> str:
        """The name in `zoo.networks.NETWORKS` of the generator."""
        raise NotImplementedError

    def check(self) -> None:
        super().check()
        from zoo.networks.registry import NETWORKS

        chosen = NETWORKS.get(self.generator_family)
        if self.upsampling and chosen and "upsampling" not in chosen.generator.options:
            raise ValueError(
                f"`upsampling` {self.upsampling} is for the generator of dcgan, and the generator "
                f"here is that of {self.generator_family}: give `upsampling` None."
            )

    @property
    def needs_labels(self) -> bool:
        """Whether the networks use class labels."""
        raise NotImplementedError

    @property
    def families(self) -> dict[str, str]:
        """The chosen names in `zoo.networks.NETWORKS`, by option."""
        raise NotImplementedError

    def check_size(self, image_shape: Shape) -> None:
        """Checks that the networks exist for images of this shape.

        Raises:
            ValueError: they do not.
        """
        from zoo.networks import check_image_size

        for option, name in self.families.items():
            try:
                check_image_size(name, image_shape)
            except ValueError as error:
                square = len(image_shape) != 3 or image_shape[0] == image_shape[1]
                hint = "" if square else " Give `image_size` to crop and resize to a square."
                raise ValueError(f"`{option}` {name}: {error}{hint}") from None

    def make(
        self, *, image_shape: Shape, class_names: tuple[str, ...], semi_supervised: bool
    ) -> "tuple[keras.Model, keras.Model]":
        """Creates generator and critic.

        Args:
            image_shape: (H, W, C), or (dimensions,) for points.
            class_names: names of the classes of the data; may be empty.
            semi_supervised: bool, whether some images have no label.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class CriticNetworkOptions(NetworkOptions):
    """Generator, and a critic that gives one score per image."""

    network: str = "dcgan"
    """Networks: dcgan (any size), resnet (the LGAN paper's), r3gan (R3GAN's, without
    normalisation), scene (LSGAN's, 112 pixels), characters (LSGAN's for thousands of classes, 28
    pixels) or mlp."""
    depth: Count | None = None
    """Hidden layers of both networks; mlp only."""
    activation: str | None = None
    """Activation of the hidden layers; mlp only."""
    conditional: Literal["none", "onehot", "embedding", "projection"] = "none"
    """Condition on the class: the label joins the latent and, as maps, the images of the critic,
    one-hot or through a learned linear map; projection adds <v_y, features> to the critic's
    score."""
    label_dim: Count | None = None
    """Size of the linear label map; embedding only."""
    spectral_norm: bool = False
    """Divide each kernel of the critic by its largest singular value."""

    @property
    def needs_labels(self) -> bool:
        return self.conditional != "none"

    @property
    def families(self) -> dict[str, str]:
        return {"network": self.network}

    @property
    def generator_family(self) -> str:
        return self.network

    def check(self) -> None:
        super().check()
        if (self.label_dim is not None) != (self.conditional == "embedding"):
            raise ValueError(
                "`label_dim` and `conditional` embedding need each other, such as `label_dim` 256; "
                f"given `conditional` {self.conditional}, `label_dim` {self.label_dim}."
            )
        if self.generator_normalization == "conditional_batch" and self.conditional == "none":
            raise ValueError(
                "`generator_normalization` conditional_batch has a scale for each class: give "
                "`conditional` onehot, embedding or projection too."
            )
        self._check_family()

    def _check_family(self) -> None:
        """Checks the options against those of the chosen networks."""
        from zoo.networks.registry import family

        try:
            chosen = family(self.network)
        except ValueError as error:
            raise ValueError(f"`network` {self.network}: {error}") from None
        if chosen.critic is None:
            raise ValueError(f"`network` {self.network} has no critic that gives one score.")
        for name in ("depth", "activation"):
            if getattr(self, name) is not None and name not in chosen.critic.options:
                raise ValueError(f"`network` {self.network} has no option `{name}`.")
        for part, options in (("critic", chosen.critic), ("generator", chosen.generator)):
            given = getattr(self, f"{part}_normalization")
            if "normalization" not in options.options and given != "none":
                raise ValueError(
                    f"The {part} of `network` {self.network} has no normalisation: give "
                    f"`{part}_normalization` none."
                )
        if "label_dim" in chosen.critic.options and self.conditional != "embedding":
            raise ValueError(
                f"The critic of `network` {self.network} takes the label through a linear map: "
                "give `conditional` embedding `label_dim` 256."
            )

    def make(
        self, *, image_shape: Shape, class_names: tuple[str, ...], semi_supervised: bool
    ) -> "tuple[keras.Model, keras.Model]":
        classes = len(class_names) if self.needs_labels else 0
        return self._make_generator(image_shape, classes), self._make_critic(image_shape, classes)

    def _make_generator(self, image_shape: Shape, num_classes: int) -> "keras.Model":
        from zoo.networks import ConditionalGenerator, make_generator

        mapped = self.label_dim or 0 if self.generator_normalization != "conditional_batch" else 0
        generator = make_generator(
            self.network,
            image_shape=image_shape,
            latent_dim=self.latent_dim + mapped,
            latent=self.latent,
            num_classes=0 if mapped else num_classes,
            filters=self.generator_filters,
            normalization=self.generator_normalization,
            depth=self.depth,
            activation=self.activation,
            upsampling=self.upsampling,
        )
        if mapped:
            return ConditionalGenerator(generator, num_classes, label_dim=mapped)
        return generator

    def _make_critic(self, image_shape: Shape, num_classes: int) -> "keras.Model":
        from zoo.networks import ConditionalCritic, ProjectionCritic, make_critic
        from zoo.networks.registry import family
        from zoo.networks.spectral import SpectralCritic

        part = family(self.network).critic
        takes_labels = part is not None and "label_dim" in part.options
        joins = self.conditional in ("onehot", "embedding") and not takes_labels
        *pixels, channels = image_shape
        maps = (self.label_dim or num_classes) if joins else 0
        critic = make_critic(
            self.network,
            image_shape=(*pixels, channels + maps),
            filters=self.critic_filters,
            normalization=self.critic_normalization,
            depth=self.depth,
            activation=self.activation,
            num_classes=num_classes if takes_labels else None,
            label_dim=self.label_dim if takes_labels else None,
        )
        if joins:
            critic = ConditionalCritic(critic, num_classes, label_dim=self.label_dim or 0)
        elif self.conditional == "projection":
            critic = ProjectionCritic(critic, num_classes)
        return SpectralCritic(critic) if self.spectral_norm else critic


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifierNetworkOptions(NetworkOptions):
    """Conditional generator, and a critic that is a classifier."""

    network: str = "clsgan"
    """Critic: clsgan (the paper's), clsgan_released (the released script's, 32 to 56 pixels) or
    residual (a residual network of nine layers)."""
    generator_network: Literal["dcgan", "resnet"] = "dcgan"
    """Generator: dcgan (the paper's, and the script's) or resnet (the LGAN paper's)."""
    dropout: Share = 0.2
    """Dropout of the critic: before each group of convolutions in clsgan, before the class layer in
    residual; clsgan_released has none."""
    head_bias: bool = True
    """Give the class layer of the critic a bias; the released script's has none."""

    @property
    def needs_labels(self) -> bool:
        return True

    @property
    def families(self) -> dict[str, str]:
        return {"network": self.network, "generator_network": self.generator_network}

    @property
    def generator_family(self) -> str:
        return self.generator_network

    def check(self) -> None:
        super().check()
        from zoo.names import unknown_name
        from zoo.networks.registry import NETWORKS

        critics = {name: one.features for name, one in NETWORKS.items() if one.features}
        if self.network not in critics:
            raise ValueError(unknown_name("network of a classifier", self.network, critics))
        if "dropout" not in critics[self.network].options and self.dropout:
            raise ValueError(f"`network` {self.network} has no dropout: give `dropout` 0.")

    def make(
        self, *, image_shape: Shape, class_names: tuple[str, ...], semi_supervised: bool
    ) -> "tuple[keras.Model, keras.Model]":
        from zoo.networks import make_features, make_generator
        from zoo.tasks import ImageClassifier

        generator = make_generator(
            self.generator_network,
            image_shape=image_shape,
            latent_dim=self.latent_dim,
            latent=self.latent,
            num_classes=len(class_names),
            filters=self.generator_filters,
            normalization=self.generator_normalization,
            upsampling=self.upsampling,
        )
        features = make_features(
            self.network,
            image_shape=image_shape,
            filters=self.critic_filters,
            normalization=self.critic_normalization,
            dropout=self.dropout or None,
        )
        critic = ImageClassifier(
            features,
            len(class_names),
            class_names=list(class_names),
            extra_class=semi_supervised,
            head_bias=self.head_bias,
        )
        return generator, critic
