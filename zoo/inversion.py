"""The latent of an image: gradient descent on z through a fixed generator."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.randomness import Noise

if TYPE_CHECKING:
    from zoo.tasks.image_generator import ImageGenerator

Objective = Literal["absolute", "squared"]

_OBJECTIVES = ("absolute", "squared")
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class InversionResult(NamedTuple):
    """What `invert_images` finds, image by image the best of all restarts and steps.

    Attributes:
        latents: float32 `[n, d]`.
        images: float32 `[n, height, width, channels]` in [-1, 1], those of the latents.
        errors: float32 `[n]`, mean over pixels and channels of `|x - G(z)|`, or of its square.
        labels: int64 `[n]`, the class each was made of; zeros of a generator without classes.
        history: float32 `[steps + 1]`, the mean over the images of the least error so far; the
            first is that of the latents one starts from. Where it still falls at its end, more
            steps would find better latents.
    """

    latents: np.ndarray
    images: np.ndarray
    errors: np.ndarray
    labels: np.ndarray
    history: np.ndarray


def invert_images(
    generator: "ImageGenerator",
    images: np.ndarray,
    *,
    labels: np.ndarray | Literal["searched"] | None = None,
    steps: int = 500,
    restarts: int = 4,
    learning_rate: float = 0.2,
    seed: int = 0,
    batch_size: int = 256,
    objective: Objective = "absolute",
    max_norm: float | None = None,
) -> InversionResult:
    """Computes `argmin_z mean |x - G(z)|` for each image, G in inference mode.

    Adam on z, its rate falling to 0 along half a cosine, from `restarts` draws of the prior. The
    loss is summed over images, so that no image's steps depend on another's, and the result not on
    `batch_size`. Latents of a uniform prior are kept in [-1, 1]^d.

    Args:
        generator: an `ImageGenerator`.
        images: float32 `[n, height, width, channels]` in [-1, 1], of the generator's size.
        labels: int64 `[n]`, the images' classes, or `"searched"`, the best of all, which takes K
            times as long; for a conditional generator, and needed there.
        steps: int >= 1, gradient steps.
        restarts: int >= 1, latents that are tried for each image.
        learning_rate: float > 0, that of the first step.
        seed: int, of the latents one starts from.
        batch_size: int >= 1, images that are inverted at a time, each with all of its restarts.
        objective: `"absolute"` (the minimum reconstruction error, MRE) or `"squared"`.
        max_norm: float > 0, for a normal prior: keeps `|z| <= max_norm * sqrt(d)`, so that z stays
            where the generator was trained; None for no bound.

    Raises:
        ValueError: an argument out of its range, or images that are not the generator's.

    Source: minimum reconstruction error of Qi, arXiv 1701.06264 (v6); the protocol is our own.

    Example:
    >>> from zoo.images import to_float
    >>> found = invert_images(generator, to_float(test_images).numpy(), steps=200)
    >>> found.errors.mean()
    """
    images = _check_images(generator, images)
    candidates = _check_labels(generator, labels, len(images))
    counts = {"steps": steps, "restarts": restarts, "batch_size": batch_size}
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"`{name}` must be at least 1, received {name}={count}.")
    if learning_rate <= 0.0:
        raise ValueError(f"`learning_rate` must be positive, received {learning_rate}.")
    if objective not in _OBJECTIVES:
        raise ValueError(f"`objective` must be one of {_OBJECTIVES}, received {objective!r}.")
    project = _projection(generator, max_norm)
    descend = _make_descent(generator, project, steps, restarts, learning_rate, objective)
    found = [
        _invert(generator, descend, project, images, classes, restarts, seed, batch_size)
        for classes in candidates
    ]
    place = np.argmin([each.errors for each in found], axis=0)
    rows = np.arange(len(images))
    latents, made, errors, labels, histories = map(np.stack, zip(*found, strict=True))
    return InversionResult(
        latents=latents[place, rows],
        images=made[place, rows],
        errors=errors[place, rows],
        labels=labels[place, rows],
        history=histories.min(axis=0).mean(axis=1),
    )


def _invert(
    generator: "ImageGenerator",
    descend: Callable[..., tuple[tf.Tensor, ...]],
    project: Callable[[tf.Tensor], tf.Tensor],
    images: np.ndarray,
    classes: np.ndarray,
    restarts: int,
    seed: int,
    batch_size: int,
) -> InversionResult:
    """Inverts images of given classes, part by part; `history` is that of each image."""
    parts = []
    for start in range(0, len(images), batch_size):
        rows = slice(start, start + batch_size)
        targets = tf.constant(images[rows])
        first, last = start * restarts, (start + len(targets)) * restarts
        noise = Noise(seed, 0, tf.range(first, last, dtype=tf.int64), stream="inversion")
        shape = (generator.latent_dim,)
        uniform = generator.network.latent == "uniform"
        latents = noise.uniform(*shape, low=-1.0) if uniform else noise.normal(*shape)
        parts.append(descend(project(latents), targets, tf.constant(classes[rows])))
    latents, found, errors, histories = (
        [part.numpy() for part in column] for column in zip(*parts, strict=True)
    )
    return InversionResult(
        latents=np.concatenate(latents),
        images=np.concatenate(found),
        errors=np.concatenate(errors),
        labels=classes,
        history=np.concatenate(histories, axis=1),
    )


def _check_images(generator: "ImageGenerator", images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    expected = tuple(generator.image_shape)
    if images.dtype.kind != "f" or images.shape[1:] != expected or not len(images):
        raise ValueError(
            f"`images` must be float [n, {', '.join(map(str, expected))}] in [-1, 1], n at least "
            f"1, received {images.dtype} {images.shape}. zoo.images.prepare makes them of uint8 "
            "images of any size."
        )
    low, high = images.min(), images.max()
    if len(expected) == 3 and not (-1.001 <= low and high <= 1.001):
        raise ValueError(f"`images` must be in [-1, 1], received values in [{low}, {high}].")
    return images.astype("float32")


def _check_labels(
    generator: "ImageGenerator", labels: np.ndarray | str | None, count: int
) -> list[np.ndarray]:
    """Returns the classes to try, of each image."""
    if isinstance(labels, str):
        if labels != "searched" or not generator.num_classes:
            raise ValueError(
                "`labels` must be the class of each image or, for a generator of several classes, "
                f"'searched'; received {labels!r} for {generator.num_classes} classes."
            )
        return [np.full(count, k, "int64") for k in range(generator.num_classes)]
    if generator.num_classes and labels is None:
        raise ValueError("This generator is conditional: give `labels`, the class of each image.")
    classes = generator.check_labels(count, labels)
    return [np.zeros(count, "int64") if classes is None else classes]


def _projection(
    generator: "ImageGenerator", max_norm: float | None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what keeps latents where they may be."""
    uniform = generator.network.latent == "uniform"
    if max_norm is None:
        return lambda z: tf.clip_by_value(z, -1.0, 1.0) if uniform else z
    if uniform or max_norm <= 0.0:
        raise ValueError(
            "`max_norm` must be positive, and is for normal latents only; received "
            f"{max_norm} for {generator.network.latent} ones."
        )
    return lambda z: tf.clip_by_norm(z, max_norm * math.sqrt(generator.latent_dim), axes=[1])


def _make_descent(
    generator: "ImageGenerator",
    project: Callable[[tf.Tensor], tf.Tensor],
    steps: int,
    restarts: int,
    learning_rate: float,
    objective: Objective,
) -> Callable[..., tuple[tf.Tensor, ...]]:
    """Returns the function that finds the latents of one batch."""
    shape = tuple(generator.image_shape)

    def measure(z: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        made = generator.images_from_latents(z, y)
        difference = tf.abs(x - made) if objective == "absolute" else tf.square(x - made)
        return tf.reduce_mean(difference, axis=list(range(1, len(shape) + 1))), made

    def least(errors: tf.Tensor) -> tf.Tensor:
        return tf.reduce_min(tf.reshape(errors, [-1, restarts]), axis=1)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, generator.latent_dim], tf.float32),
            tf.TensorSpec([None, *shape], tf.float32),
            tf.TensorSpec([None], tf.int64),
        ]
    )
    def descend(z: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, ...]:
        x, y = tf.repeat(x, restarts, axis=0), tf.repeat(y, restarts)
        best, best_errors = z, tf.fill([tf.shape(z)[0]], math.inf)
        mean, square = tf.zeros_like(z), tf.zeros_like(z)
        history = tf.TensorArray(tf.float32, size=steps + 1)
        for step in tf.range(steps):
            with tf.GradientTape() as tape:
                tape.watch(z)
                errors, _ = measure(z, x, y)
            gradient = tape.gradient(errors, z)
            better = errors < best_errors
            best, best_errors = tf.where(better[:, None], z, best), tf.minimum(errors, best_errors)
            history = history.write(step, least(best_errors))
            t = tf.cast(step, tf.float32)
            mean = _BETA_1 * mean + (1.0 - _BETA_1) * gradient
            square = _BETA_2 * square + (1.0 - _BETA_2) * tf.square(gradient)
            rate = learning_rate * 0.5 * (1.0 + tf.cos(math.pi * t / steps))
            direction = mean / (1.0 - tf.pow(_BETA_1, t + 1.0))
            scale = tf.sqrt(square / (1.0 - tf.pow(_BETA_2, t + 1.0))) + _EPSILON
            z = project(z - rate * direction / scale)
        errors, _ = measure(z, x, y)
        best = tf.where((errors < best_errors)[:, None], z, best)
        best_errors = tf.minimum(errors, best_errors)
        history = history.write(steps, least(best_errors))
        place = tf.argmin(tf.reshape(best_errors, [-1, restarts]), axis=1)
        rows = place + restarts * tf.range(tf.size(place, out_type=tf.int64))
        best = tf.gather(best, rows)
        made = generator.images_from_latents(best, tf.gather(y, rows))
        return best, made, tf.gather(best_errors, rows), history.stack()

    return descend
