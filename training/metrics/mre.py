"""Minimum reconstruction error: the distance between images and their best reconstructions."""

import dataclasses
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from training.data.image_data import ImageData, Split
from training.data.splitting import hash_order
from training.metrics.metric import Inversion, Metric, MetricInput, MetricResult
from zoo.errors import UserError
from zoo.inversion import invert_images
from zoo.tasks import ImageGenerator

# Number of images for the check that more steps do not find better latents.
CONVERGENCE_IMAGES = 200
CONVERGED = 0.01


class Reconstruction(NamedTuple):
    """The errors of images at their best latents.

    Attributes:
        absolute: float32 `[n]`, mean over pixels and channels of `|x - G(z)|`, images in [-1, 1].
        squared: float32 `[n]`, mean over pixels and channels of `(x - G(z))^2`.
    """

    absolute: np.ndarray
    squared: np.ndarray


def reconstruct(
    generator: ImageGenerator, images: np.ndarray, labels: np.ndarray | None, options: Inversion
) -> Reconstruction:
    """Finds the best latent of each image, and the best class if classes are searched.

    Args:
        generator: an `ImageGenerator`.
        images: float32 `[n, h, w, c]` in [-1, 1].
        labels: int64 `[n]`, for a conditional generator whose labels are given.
        options: options of the reconstruction.
    """
    classes: np.ndarray | Literal["searched"] | None = labels
    if not generator.num_classes:
        classes = None
    elif options.labels == "searched":
        classes = "searched"
    found = invert_images(
        generator,
        images,
        labels=classes,
        steps=options.steps,
        restarts=options.restarts,
        learning_rate=options.learning_rate,
        max_norm=options.max_norm,
        seed=options.seed,
    )
    squared = np.mean((found.images - images) ** 2, axis=tuple(range(1, images.ndim)))
    return Reconstruction(found.errors, squared)


def _subset(data: ImageData, name: str, count: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns images of a split as network inputs, the same ones every time, and their labels."""
    split: Split = getattr(data, name)
    order = hash_order(f"mre/{data.name}/{name}/{row}" for row in range(len(split)))[:count]
    chosen = Split(split.images[order], None if split.labels is None else split.labels[order])
    return chosen.inputs(len(order)), chosen.labels


def _check(subject: MetricInput) -> tuple[ImageData, ImageGenerator]:
    data, generator, labels = subject.data, subject.generator, subject.inversion.labels
    assert data is not None and generator is not None
    if labels == "searched" and not generator.num_classes:
        raise UserError(
            "--mre-labels searched is for conditional generators; this generator has no classes. "
            "Leave the option out."
        )
    if generator.num_classes and labels == "given":
        if generator.num_classes != data.num_classes:
            raise UserError(
                f"The generator has {generator.num_classes} classes and {data.name} has "
                f"{data.num_classes or 'none'}, so the labels of the images cannot be used. Give "
                "--mre-labels searched."
            )
    return data, generator


def _measure(subject: MetricInput) -> MetricResult:
    strategy = subject.strategy or tf.distribute.get_strategy()
    with strategy.scope():
        return _reconstruct_all(subject)


def _reconstruct_all(subject: MetricInput) -> MetricResult:
    data, generator = _check(subject)
    how = subject.inversion
    images, labels = _subset(data, subject.split, how.images)
    found = reconstruct(generator, images, labels, how)
    values = {
        "mre": float(found.absolute.mean()),
        "mre_rms": float(np.sqrt(found.squared.mean())),
    }
    if subject.split != "train":
        train_images, train_labels = _subset(data, "train", how.images)
        train = reconstruct(generator, train_images, train_labels, how)
        values["mre_train"] = float(train.absolute.mean())
        values["mre_ratio"] = values["mre"] / max(values["mre_train"], 1e-12)
    few = slice(CONVERGENCE_IMAGES)
    doubled = dataclasses.replace(how, steps=2 * how.steps)
    again = reconstruct(generator, images[few], None if labels is None else labels[few], doubled)
    before, after = float(found.absolute[few].mean()), float(again.absolute.mean())
    values["mre_change"] = (before - after) / max(before, 1e-12)
    warnings: tuple[str, ...] = ()
    if values["mre_change"] > CONVERGED:
        warnings = (
            f"not converged: with twice the steps the error is {100 * values['mre_change']:.1f} % "
            f"smaller (on {len(again.absolute)} images)",
        )
    used = dataclasses.replace(how, images=len(images))
    protocol = {f"mre_{name}": value for name, value in dataclasses.asdict(used).items()}
    return MetricResult(values, warnings, protocol)


METRIC = Metric(
    name="mre",
    title="Minimum reconstruction error",
    measure=_measure,
    better={"mre": "low"},
)
