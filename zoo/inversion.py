"""GAN inversion: finds the latent of an image by gradient descent through a fixed generator."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from zoo.options import Count, NotNegativeCount, Positive, check_value
from zoo.randomness import Noise

if TYPE_CHECKING:
    from zoo.tasks.image_generator import ImageGenerator

Objective = Literal["absolute", "squared"]

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class InversionResult(NamedTuple):
    """Results of `invert_images`: for each image the best of all restarts and steps.

    Attributes:
        latents: float32 `[n, d]`.
        images: float32 `[n, height, width, channels]` in [-1, 1], the images of the latents.
        errors: float32 `[n]`, mean over pixels and channels of `|x - G(z)|`, or of its square.
        labels: int64 `[n]`, the class of each image; zeros for an unconditional generator.
        history: float32 `[steps + 1]`, the smallest error so far, as a mean over images. Entry 0
            belongs to the initial latents. If the last entries still decrease, more steps help.
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
    """Computes `argmin_z mean |x - G(z)|` for each image, with G in inference mode.

    The optimizer is Adam on z, with a learning rate that decays to 0 along half a cosine. It starts
    from `restarts` draws of the prior per image. The loss is a sum over images, so the steps of one
    image do not depend on the others, and the result does not depend on `batch_size`. Latents of a
    uniform prior are clipped to [-1, 1]^d. Inside the scope of a distribution strategy its devices
    take a batch each.

    Args:
        generator: an `ImageGenerator`.
        images: float32 `[n, height, width, channels]` in [-1, 1], of the generator's size.
        labels: int64 `[n]`, the classes of the images, or `"searched"` for the class with the
            smallest error, which takes K times as long. Required for a conditional generator.
        steps: int >= 1, number of gradient steps.
        restarts: int >= 1, number of initial latents per image.
        learning_rate: float > 0, learning rate of the first step.
        seed: int, seed of the initial latents.
        batch_size: int >= 1, number of images per batch, each with all of its restarts.
        objective: `"absolute"` (the minimum reconstruction error, MRE) or `"squared"`.
        max_norm: float > 0, enforces `|z| <= max_norm * sqrt(d)` for a normal prior; None for none.

    Returns:
        An `InversionResult`.

    Raises:
        ValueError: an argument outside its range, or images that do not fit the generator.

    Source: the error is that of Qi, arXiv 1701.06264v6; the protocol is this project's choice.

    Example:
    >>> from zoo.images import to_float
    >>> found = invert_images(generator, to_float(test_images).numpy(), steps=200)
    >>> found.errors.mean()
    """
    images = _check_images(generator, images)
    candidates = _check_labels(generator, labels, len(images))
    check_value("steps", steps, Count)
    check_value("restarts", restarts, Count)
    check_value("batch_size", batch_size, Count)
    check_value("learning_rate", learning_rate, Positive)
    check_value("seed", seed, NotNegativeCount)
    check_value("objective", objective, Objective)
    check_value("max_norm", max_norm, Positive | None)
    project = _projection(generator, max_norm)
    descend = _make_descent(generator, project, steps, restarts, learning_rate, objective)
    found = [
        _invert(generator, descend, project, images, classes, restarts, seed, batch_size)
        for classes in candidates
    ]
    return _best_classes(found)


def _best_classes(found: Sequence[InversionResult]) -> InversionResult:
    """Selects the class with the smallest error for each image; `found` has one entry per class."""
    best = np.argmin([result.errors for result in found], axis=0)
    rows = np.arange(len(best))
    latents, generated, errors, labels, histories = map(np.stack, zip(*found, strict=True))
    return InversionResult(
        latents=latents[best, rows],
        images=generated[best, rows],
        errors=errors[best, rows],
        labels=labels[best, rows],
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
    """Inverts images of given classes, a batch per device; `history` is `[steps + 1, n]`."""
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    batch_size = min(batch_size, -(-len(images) // replicas))

    def batch(start: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        rows = slice(start, start + batch_size)
        targets = tf.constant(images[rows])
        first, last = start * restarts, (start + len(targets)) * restarts
        noise = Noise(seed, 0, tf.range(first, last, dtype=tf.int64), stream="inversion")
        shape = (generator.latent_dim,)
        uniform = generator.network.latent == "uniform"
        latents = noise.uniform(*shape, low=-1.0) if uniform else noise.normal(*shape)
        return project(latents), targets, tf.constant(classes[rows])

    starts = range(0, len(images), batch_size)
    parts: list[tuple[tf.Tensor, ...]] = []
    if replicas == 1:
        parts = [descend(*batch(start)) for start in starts]
    else:

        def on_one(*arguments: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return descend(*arguments)

        on_all = tf.function(lambda *given: strategy.run(on_one, given), reduce_retracing=True)
        for first in range(0, len(starts), replicas):
            parts += _on_replicas(strategy, on_all, list(map(batch, starts[first:][:replicas])))
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


def _on_replicas(
    strategy: tf.distribute.Strategy,
    on_all: Callable[..., tuple[tf.Tensor, ...]],
    batches: list[tuple[tf.Tensor, ...]],
) -> list[tuple[tf.Tensor, ...]]:
    """Calls a function that runs on all replicas, with at most one batch per replica."""

    def of_replica(context: tf.distribute.InputContext, column: int) -> tf.Tensor:
        return batches[min(context.replica_id_in_sync_group, len(batches) - 1)][column]

    arguments = tuple(
        strategy.experimental_distribute_values_from_function(
            lambda context, column=column: of_replica(context, column)
        )
        for column in range(len(batches[0]))
    )
    columns = [strategy.experimental_local_results(output) for output in on_all(*arguments)]
    return list(zip(*columns, strict=True))[: len(batches)]


def _check_images(generator: "ImageGenerator", images: np.ndarray) -> np.ndarray:
    images = np.asarray(images)
    expected = tuple(generator.image_shape)
    if images.dtype.kind != "f" or images.shape[1:] != expected or not len(images):
        raise ValueError(
            f"`images` must be float [n, {', '.join(map(str, expected))}] in [-1, 1] with n at "
            f"least 1, received {images.dtype} {images.shape}. Convert uint8 images of any size "
            "with zoo.images.prepare."
        )
    low, high = images.min(), images.max()
    if len(expected) == 3 and not (-1.001 <= low and high <= 1.001):
        raise ValueError(f"`images` must be in [-1, 1], received values in [{low}, {high}].")
    return images.astype("float32")


def _check_labels(
    generator: "ImageGenerator", labels: np.ndarray | str | None, count: int
) -> list[np.ndarray]:
    """Returns the candidate classes, each as an array `[n]`."""
    if isinstance(labels, str):
        if labels != "searched" or not generator.num_classes:
            raise ValueError(
                "`labels` must be the class of each image or, for a conditional generator, "
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
    """Returns the function that projects latents onto the allowed set."""
    uniform = generator.network.latent == "uniform"
    if max_norm is None:
        return lambda z: tf.clip_by_value(z, -1.0, 1.0) if uniform else z
    if uniform:
        raise ValueError(
            f"`max_norm` is for normal latents only, received {max_norm} for uniform latents."
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
    """Returns the function from (latents, images, labels) of one batch to its results."""
    shape = tuple(generator.image_shape)

    def reconstruction_error(z: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        difference = x - generator.images_from_latents(z, y)
        cost = tf.abs(difference) if objective == "absolute" else tf.square(difference)
        return tf.reduce_mean(cost, axis=list(range(1, len(shape) + 1)))

    def smallest_per_image(errors: tf.Tensor) -> tf.Tensor:
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
                errors = reconstruction_error(z, x, y)
            gradient = tape.gradient(errors, z)
            better = errors < best_errors
            best, best_errors = tf.where(better[:, None], z, best), tf.minimum(errors, best_errors)
            history = history.write(step, smallest_per_image(best_errors))
            t = tf.cast(step, tf.float32)
            mean = _BETA_1 * mean + (1.0 - _BETA_1) * gradient
            square = _BETA_2 * square + (1.0 - _BETA_2) * tf.square(gradient)
            rate = learning_rate * 0.5 * (1.0 + tf.cos(math.pi * t / steps))
            direction = mean / (1.0 - tf.pow(_BETA_1, t + 1.0))
            scale = tf.sqrt(square / (1.0 - tf.pow(_BETA_2, t + 1.0))) + _EPSILON
            z = project(z - rate * direction / scale)
        errors = reconstruction_error(z, x, y)
        best = tf.where((errors < best_errors)[:, None], z, best)
        best_errors = tf.minimum(errors, best_errors)
        history = history.write(steps, smallest_per_image(best_errors))
        restart = tf.argmin(tf.reshape(best_errors, [-1, restarts]), axis=1)
        rows = restart + restarts * tf.range(tf.size(restart, out_type=tf.int64))
        best = tf.gather(best, rows)
        generated = generator.images_from_latents(best, tf.gather(y, rows))
        return best, generated, tf.gather(best_errors, rows), history.stack()

    return descend
