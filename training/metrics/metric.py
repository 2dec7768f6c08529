"""What a metric is: which statistics it needs, and how values come of them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from training.metrics.statistics import Statistic

if TYPE_CHECKING:
    import keras

    from training.data.image_data import ImageData
    from zoo.tasks import ImageGenerator


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inversion:
    """How images are reconstructed for the MRE.

    Args:
        images: int, how many of each split; the first of an order by hash.
        steps: int, gradient steps on each latent.
        restarts: int, latents tried for each image.
        learning_rate: float, of the first step.
        labels: for a conditional generator: `"given"`, or `"searched"`, the best of all classes.
        max_norm: float, keeps `|z| <= max_norm * sqrt(d)`; None for no bound.
        seed: int, of the latents one starts from.
    """

    images: int = 1000
    steps: int = 500
    restarts: int = 4
    learning_rate: float = 0.2
    labels: Literal["given", "searched"] = "given"
    max_norm: float | None = None
    seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured.

    Args:
        reference: statistics of real images by kind.
        generated: statistics of generated images by kind.
        data: the real images.
        split: the name of the split that is the reference.
        generator: makes images; None for a classifier alone.
        classifier: from float images to logits; None for a generator alone.
        inversion: how images are reconstructed.
    """

    reference: Mapping[str, Statistic] = dataclasses.field(default_factory=dict)
    generated: Mapping[str, Statistic] = dataclasses.field(default_factory=dict)
    data: "ImageData | None" = None
    split: str = "test"
    generator: "ImageGenerator | None" = None
    classifier: "keras.Model | None" = None
    inversion: Inversion = dataclasses.field(default_factory=Inversion)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What came out.

    Args:
        values: by name, the metric's own first.
        warnings: what a reader of the number should know.
        protocol: what else decides the number, by name.
    """

    values: dict[str, float]
    warnings: tuple[str, ...] = ()
    protocol: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, registered in `training.metrics.METRICS`.

    Args:
        name: what `--metrics` calls it.
        title: what a person calls it.
        measure: computes the values.
        better: `"low"` or `"high"` of each value that a checkpoint may be chosen by.
        reference: kinds of statistics it needs of real images.
        generated: kinds of statistics it needs of generated images.
        needs: `"generator"` or `"classifier"`.
    """

    name: str
    title: str
    measure: Callable[[Subject], Measured]
    better: dict[str, Literal["low", "high"]]
    reference: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    needs: Literal["generator", "classifier"] = "generator"

    @property
    def of_features(self) -> bool:
        """Whether it needs a feature network."""
        return bool(self.reference or self.generated)
