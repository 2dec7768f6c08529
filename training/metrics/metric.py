"""The definition of a metric: the statistics it needs, and the function that computes it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from training.metrics.statistics import Statistic

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from training.data.image_data import ImageData
    from zoo.tasks import ImageGenerator


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inversion:
    """Options of the reconstruction of images for the MRE."""

    images: Annotated[int, tyro.conf.arg(name="mre-images")] = 1000
    """Images of each split, the first ones in an order by hash."""
    steps: Annotated[int, tyro.conf.arg(name="mre-steps")] = 500
    """Gradient steps on each latent."""
    restarts: Annotated[int, tyro.conf.arg(name="mre-restarts")] = 4
    """Initial latents for each image; the best result counts."""
    learning_rate: Annotated[float, tyro.conf.arg(name="mre-learning-rate")] = 0.2
    """Learning rate of the first step."""
    labels: Annotated[Literal["given", "searched"], tyro.conf.arg(name="mre-labels")] = "given"
    """Labels for conditional generators: those of the images, or the best of all classes."""
    max_norm: Annotated[float | None, tyro.conf.arg(name="mre-max-norm")] = None
    """Bound of the latents: `|z| <= max_norm * sqrt(d)`. No bound by default."""
    seed: tyro.conf.Suppress[tyro.conf.Fixed[int]] = 0
    """Seed of the initial latents."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricInput:
    """The input of a metric.

    Args:
        reference: statistics of real images by kind.
        generated: statistics of generated images by kind.
        data: the real images.
        split: name of the reference split.
        generator: the generator; None if only a classifier is measured.
        classifier: maps float images to logits; None if only a generator is measured.
        inversion: options of the reconstruction of images.
        strategy: the distribution strategy whose devices reconstruct images.
    """

    reference: Mapping[str, Statistic] = dataclasses.field(default_factory=dict)
    generated: Mapping[str, Statistic] = dataclasses.field(default_factory=dict)
    data: "ImageData | None" = None
    split: str = "test"
    generator: "ImageGenerator | None" = None
    classifier: "keras.Model | None" = None
    inversion: Inversion = dataclasses.field(default_factory=Inversion)
    strategy: "tf.distribute.Strategy | None" = None


@dataclasses.dataclass(frozen=True)
class MetricResult:
    """The result of a metric.

    Args:
        values: values by name, the main value first.
        warnings: sentences that a reader of the values should know.
        protocol: further settings that the values depend on, by name.
    """

    values: dict[str, float]
    warnings: tuple[str, ...] = ()
    protocol: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, registered in `training.metrics.METRICS`.

    Args:
        name: name for `--metrics`.
        title: name in pages and tables.
        measure: computes the values.
        better: `"low"` or `"high"` for each value that can be used to choose a checkpoint.
        reference: kinds of statistics of real images that `measure` needs.
        generated: kinds of statistics of generated images that `measure` needs.
        needs: the network to measure, `"generator"` or `"classifier"`.
        least_reference: the least number of real images. With fewer, the values are not defined.
        least_generated: the least number of generated images. With fewer, the values are not
            defined or depend on chance alone.
    """

    name: str
    title: str
    measure: Callable[[MetricInput], MetricResult]
    better: dict[str, Literal["low", "high"]]
    reference: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    needs: Literal["generator", "classifier"] = "generator"
    least_reference: int = 1
    least_generated: int = 10

    @property
    def of_features(self) -> bool:
        """True if the metric needs a feature network."""
        return bool(self.reference or self.generated)
