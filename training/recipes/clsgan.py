"""CLS-GAN on any labelled image data: `python -m training.fit --model clsgan --data DATA`.

The setting of the smaller recipes at the paper's widths; not run on the paper's data sets yet.
`--recipe paper` is the plain setting of the paper.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from training.recipe import option
from training.recipes.penalised import PenalisedRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import pathlib

    import keras

    from training.data.image_data import ImageData
    from training.data.label_maps import LabelMap
    from training.data.pipeline import Stream
    from zoo.models import ConditionalLossSensitiveGAN, SupervisedClassifier
    from zoo.models.trainer import StatelessTrainer


_GENERATORS = ("dcgan", "resnet")
_OF_UNLABELLED = (
    "unlabelled_weight",
    "unlabelled_ramp",
    "classes_by_average",
    "unlabelled_cross_entropy",
    "confidence",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CLSGANRecipe(PenalisedRecipe):
    """Fields of CLS-GAN."""

    labels: int | Literal["all"] = "all"
    """How many training images keep their label, class-balanced; `all` trains supervised."""
    network: str = "clsgan"
    """Critic: clsgan (the paper's), clsgan_released (the released script's, 32 to 56 pixels)."""
    generator_network: str = "dcgan"
    """Generator: dcgan (the paper's, and the script's) or resnet (the LGAN paper's)."""
    shared_latents: bool = False
    """Take the critic step's labelled fakes for the generator step, instead of fresh ones."""
    margin_scale: float = 0.2
    """Margin Delta = margin_scale * mean |x - g|; 2.4576 is that of the official code."""
    hinge_weight: float = 1.0
    """The paper's lambda: weight of the hinge on labelled pairs."""
    unlabelled_weight: float = 1.0
    """The paper's gamma: weight of the hinge on unlabelled pairs."""
    unlabelled_ramp: float = 1 / 3
    """Share of the run over which `unlabelled_weight` rises from 0."""
    classes_by_average: bool = True
    """Take an unlabelled image's class from the averaged critic, which sees it without its
    augmentation, and pair it with a fake of that class (this project's addition); otherwise the
    paper's min over the critic's own losses."""
    unlabelled_cross_entropy: float = 0.0
    """Weight of L(x, y) itself for unlabelled images, y from the averaged critic, beside the hinge
    (this project's addition)."""
    confidence: float = 0.0
    """Least probability that the averaged critic must give its class of an unlabelled image for the
    image to count (this project's addition)."""
    dropout: float = 0.2
    """Dropout of the critic, before each group of convolutions; clsgan only."""
    head_bias: bool = True
    """Give the critic's class layer a bias; the released script's has none."""
    control: bool = False
    """Also train the supervised-only control: same network, labels, steps and optimizer."""

    needs_labels: ClassVar[bool] = True

    def check(self) -> None:
        super().check()
        for field in (
            "margin_scale",
            "hinge_weight",
            "unlabelled_weight",
            "unlabelled_ramp",
            "unlabelled_cross_entropy",
        ):
            if getattr(self, field) < 0:
                raise UserError(
                    f"{option(field)} must not be negative, given {getattr(self, field)}."
                )
        if not 0.0 <= self.confidence < 1.0:
            raise UserError(f"--confidence must be in [0, 1), given {self.confidence}.")
        if not 0.0 <= self.dropout < 1.0:
            raise UserError(f"--dropout must be in [0, 1), given {self.dropout}.")
        if (self.unlabelled_cross_entropy or self.confidence) and not self.classes_by_average:
            raise UserError(
                "--unlabelled-cross-entropy and --confidence are about the classes that the "
                "averaged critic finds: with --no-classes-by-average give "
                "--unlabelled-cross-entropy 0 --confidence 0 too."
            )
        if self.classes_by_average and self.semi_supervised and self.ema is None:
            raise UserError("--classes-by-average needs the average: give --ema, such as 0.999.")
        self._check_unlabelled()
        self._check_networks()
        self.check_penalty()

    def _check_unlabelled(self) -> None:
        """Refuses what is about unlabelled images where there are none, if it was asked for."""
        from training.recipes import find

        if self.semi_supervised:
            return
        default = find(self.model, data=self.data, name=self.recipe)
        for field in _OF_UNLABELLED:
            unasked = (getattr(default, field), getattr(CLSGANRecipe, field))
            if getattr(self, field) not in unasked:
                raise UserError(
                    f"{option(field)} {getattr(self, field)} has no effect with --labels all, "
                    "which leaves no image without a label: give --labels, such as 1000."
                )

    def _check_networks(self) -> None:
        """Asks the networks' registry, so that nothing is found out after the data are read."""
        from zoo.names import unknown_name
        from zoo.networks.registry import NETWORKS

        critics = {name: part.features for name, part in NETWORKS.items() if part.features}
        if self.network not in critics:
            raise UserError(unknown_name("network of a classifier", self.network, critics))
        if self.generator_network not in _GENERATORS:
            raise UserError(unknown_name("generator network", self.generator_network, _GENERATORS))
        if "dropout" not in critics[self.network].options and self.dropout:
            raise UserError(f"--network {self.network} has no dropout: give --dropout 0.")
        if self.image_size is not None:
            self.check_size((self.image_size, self.image_size, 1))

    @property
    def semi_supervised(self) -> bool:
        """Whether some of the training images have no label."""
        return self.labels != "all"

    def label_map(self, data: "ImageData") -> "LabelMap":
        from training.data.label_maps import make_label_map

        return make_label_map(
            data.train.labels,
            data=data.name,
            num_classes=data.num_classes,
            count=None if self.labels == "all" else self.labels,
            seed=self.seed,
        )

    def streams(self, data: "ImageData", label_map: "LabelMap | None") -> "dict[str, Stream]":
        import numpy as np

        from training.data.pipeline import Stream

        assert label_map is not None
        streams = {"labelled": Stream(data.train, indices=label_map.indices, with_labels=True)}
        if self.semi_supervised:
            rest = np.setdiff1d(np.arange(len(data.train.images)), label_map.indices)
            streams["unlabelled"] = Stream(
                data.train, indices=rest, with_plain=self.classes_by_average
            )
        return streams

    def make_classifier(
        self, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
    ) -> "keras.Model":
        """Makes the critic, a classifier."""
        from zoo.networks import make_features
        from zoo.tasks import ImageClassifier

        features = make_features(
            self.network,
            image_shape=image_shape,
            filters=self.critic_filters,
            normalization=self.critic_normalization,
            dropout=self.dropout or None,
        )
        return ImageClassifier(
            features,
            len(class_names),
            class_names=list(class_names),
            extra_class=self.semi_supervised,
            head_bias=self.head_bias,
        )

    def build(
        self, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
    ) -> "ConditionalLossSensitiveGAN":
        from zoo.models import ConditionalLossSensitiveGAN
        from zoo.networks import make_generator

        self.check_size(image_shape)
        generator = make_generator(
            self.generator_network,
            image_shape=image_shape,
            latent_dim=self.latent_dim,
            latent=self.latent,
            num_classes=len(class_names),
            filters=self.generator_filters,
            normalization=self.generator_normalization,
        )
        model = ConditionalLossSensitiveGAN(
            generator,
            self.make_classifier(image_shape=image_shape, class_names=class_names),
            semi_supervised=self.semi_supervised,
            margin_scale=self.margin_scale,
            hinge_weight=self.hinge_weight,
            unlabelled_weight=self.unlabelled_weight,
            unlabelled_ramp_steps=round(self.unlabelled_ramp * self.steps),
            classes_by_average=self.classes_by_average and self.semi_supervised,
            unlabelled_cross_entropy=self.unlabelled_cross_entropy if self.semi_supervised else 0.0,
            confidence=self.confidence if self.semi_supervised else 0.0,
            penalty=self.make_penalty(),
            shared_latents=self.shared_latents,
            critic_steps=self.critic_steps,
            ema=self.ema,
            seed=self.seed,
        )
        model.compile(
            self.make_optimizer(self.generator_learning_rate),
            self.make_optimizer(self.critic_learning_rate, updates_per_step=self.critic_steps),
        )
        return model

    def save_preset(
        self, model: "StatelessTrainer", directory: "pathlib.Path", *, metadata: dict[str, Any]
    ) -> None:
        from zoo.presets.trainer import save_trainer

        save_trainer(model, directory, metadata=metadata)

    def build_control(
        self, *, image_shape: tuple[int, ...], class_names: tuple[str, ...]
    ) -> "SupervisedClassifier | None":
        """Makes the supervised control: the critic's network under cross-entropy alone."""
        from zoo.models import SupervisedClassifier

        if not self.control:
            return None

        control = SupervisedClassifier(
            self.make_classifier(image_shape=image_shape, class_names=class_names),
            ema=self.ema,
            seed=self.seed,
        )
        control.compile(self.make_optimizer(self.critic_learning_rate))
        return control


RECIPE = CLSGANRecipe(
    model="clsgan",
    steps=100_000,
    report_every=2000,
    checkpoint_every=2000,
    generator_learning_rate=3e-4,
    critic_learning_rate=3e-4,
    critic_filters=96,
    critic_normalization="none",
    score_metrics="error",
    best_by="error",
)
