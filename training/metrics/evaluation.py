"""Evaluation of a generator or a classifier on a data set: one row with its protocol per metric."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from training.data.image_data import ImageData
from training.metrics.extraction import gather
from training.metrics.feature_networks import FeatureNetwork
from training.metrics.metric import Inversion, Metric, MetricInput, MetricResult
from training.metrics.sources import GeneratedImages, RealImages
from training.metrics.statistics import Statistic
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from zoo.tasks import ImageGenerator

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The settings of an evaluation.

    Args:
        metrics: the metrics to compute.
        data: the real images.
        split: name of the reference split.
        samples: int, number of generated images.
        network: the feature network; None if no metric needs features.
        inversion: options of the reconstruction of images for the MRE.
        cache: folder for features and statistics; None for no cache.
        cache_generated: also cache the statistics of generated images.
        strategy: the distribution strategy that generates images and computes features.

    Raises:
        UserError: if the split does not exist, a metric needs more real or generated images, or
            the data are points and a metric needs images.
    """

    metrics: Sequence[Metric]
    data: ImageData
    split: str
    samples: int
    network: FeatureNetwork | None = None
    inversion: Inversion = dataclasses.field(default_factory=Inversion)
    cache: pathlib.Path | None = None
    cache_generated: bool = True
    strategy: tf.distribute.Strategy | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UserError(
                f"{self.data.name} has no split {self.split!r}; it has: {', '.join(SPLITS)}."
            )
        if len(self.data.image_shape) != 3 and any(m.of_features for m in self.metrics):
            raise UserError(
                f"The data of {self.data.name} are points, and feature networks need images. For "
                "a generator of points see `modes` in the run's logs."
            )
        for metric in self.metrics:
            self._check_counts(metric)

    def _check_counts(self, metric: Metric) -> None:
        """Raises UserError if the values of a metric are not defined for so few images."""
        real = len(getattr(self.data, self.split))
        if real < metric.least_reference:
            raise UserError(
                f"The metric {metric.name} needs at least {metric.least_reference} real images, "
                f"and the {self.split} split of {self.data.name} has {real}. Add images, give "
                f"another split (--split, or --score-split during training), or leave "
                f"{metric.name} out."
            )
        if metric.generated and self.samples < metric.least_generated:
            raise UserError(
                f"The metric {metric.name} needs at least {metric.least_generated} generated "
                f"images, and {self.samples} were requested. Give more (--samples, or "
                f"--score-samples during training), or leave {metric.name} out."
            )

    def measure(
        self,
        *,
        generator: "ImageGenerator | None" = None,
        classifier: "keras.Model | None" = None,
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        """Computes all metrics.

        Args:
            generator: the generator, for metrics of generators. Its images have the seeds `seed`,
                `seed + 1`, ...
            classifier: the classifier, for metrics of classifiers.
            seed: int, seed of the first generated image.

        Returns:
            One row per metric: `key` (the short form of the protocol), `value` (the main value;
            None if it is not finite), `values` (all finite values), `warnings`, and all fields of
            the protocol.

        Raises:
            UserError: if a metric needs a network that is not given or does not match the data.
        """
        self.check(generator, classifier)
        subject = MetricInput(
            reference=self._statistics("reference", self._real()),
            generated=self._statistics("generated", self._generated(generator, seed)),
            data=self.data,
            split=self.split,
            generator=generator,
            classifier=classifier,
            inversion=self.inversion,
            strategy=self.strategy,
        )
        return [self._row(metric, metric.measure(subject), seed=seed) for metric in self.metrics]

    def with_network(self, network: FeatureNetwork) -> "Evaluation":
        """Returns a copy with another feature network."""
        return dataclasses.replace(self, network=network)

    def check(self, generator: "ImageGenerator | None", classifier: "keras.Model | None") -> None:
        """Raises UserError if the network of a metric is missing or does not match the data."""
        given = {"generator": generator, "classifier": classifier}
        for metric in self.metrics:
            network = given[metric.needs]
            if network is None:
                raise UserError(
                    f"The metric {metric.name} needs a {metric.needs}, and this model has none. "
                    f"Leave {metric.name} out."
                )
            if tuple(network.image_shape) != tuple(self.data.image_shape):
                raise UserError(
                    f"The {metric.needs} is for images of shape {tuple(network.image_shape)}, and "
                    f"{self.data.name} has {tuple(self.data.image_shape)}. Give the data set it "
                    "was trained on with --data, or resize the images with --image-size."
                )

    def _real(self) -> RealImages | None:
        needed = any(metric.reference for metric in self.metrics)
        return RealImages.of_split(self.data, self.split) if needed else None

    def _generated(self, generator: "ImageGenerator | None", seed: int) -> GeneratedImages | None:
        if generator is None or not any(metric.generated for metric in self.metrics):
            return None
        return GeneratedImages.of(generator, seed=seed, count=self.samples)

    def _statistics(
        self, side: str, source: RealImages | GeneratedImages | None
    ) -> dict[str, Statistic]:
        if source is None:
            return {}
        assert self.network is not None
        kinds = list(dict.fromkeys(k for metric in self.metrics for k in getattr(metric, side)))
        cache = self.cache if side == "reference" or self.cache_generated else None
        return gather(source, self.network, kinds, cache=cache, strategy=self.strategy)

    def _row(self, metric: Metric, measured: MetricResult, *, seed: int) -> dict[str, Any]:
        protocol: dict[str, Any] = {"data": self.data.name, "split": self.split}
        if metric.of_features:
            assert self.network is not None
            protocol |= {
                "features": self.network.name,
                "samples": self.samples,
                "sample_seed": seed,
            }
        if metric.reference:
            protocol["reference_images"] = len(getattr(self.data, self.split))
        # NaN and infinity are not scores, and JSON has no such numbers.
        finite = {k: v for k, v in measured.values.items() if math.isfinite(v)}
        missing = [
            f"{name} is {value}, so it is left out: the features or images are not finite numbers"
            for name, value in measured.values.items()
            if name not in finite
        ]
        return {
            "key": protocol_key(metric, measured, protocol),
            "metric": metric.name,
            "value": finite.get(next(iter(measured.values))),
            "values": finite,
            "warnings": [*measured.warnings, *missing],
            **protocol,
            **measured.protocol,
        }


def protocol_key(metric: Metric, measured: MetricResult, protocol: dict[str, Any]) -> str:
    """Returns the short form of a protocol, such as `fid[mnist-cnn-4b4ded,10k/test]`."""
    more = measured.protocol
    parts = []
    if metric.of_features:
        count = short_count(protocol["samples"])
        parts += [protocol["features"]]
        parts += [f"{count}/{protocol['split']}" if metric.reference else count]
    if "subsets" in more:
        parts.append(f"{more['subsets']}x{more['subset_size']}")
    if "splits" in more:
        parts.append(f"{more['splits']} splits")
    if "neighbours" in more:
        parts.append("k=" + "+".join(map(str, more["neighbours"])))
    if "mre_images" in more:
        parts.append(f"{short_count(more['mre_images'])}/{protocol['split']}")
        parts.append(f"{more['mre_steps']}x{more['mre_restarts']} at {more['mre_learning_rate']:g}")
        if more["mre_labels"] != "given":
            parts.append(f"labels {more['mre_labels']}")
        if more["mre_max_norm"] is not None:
            parts.append(f"|z|<={more['mre_max_norm']:g}")
    if "images" in more:
        parts.append(f"{short_count(more['images'])}/{protocol['split']}")
    if "bins" in more:
        parts.append(f"{more['bins']} bins")
    return f"{metric.name}[{','.join(parts)}]"


def short_count(count: int) -> str:
    """Returns `10k` for 10000 and `1197` for 1197."""
    return f"{count // 1000}k" if count and count % 1000 == 0 else str(count)
