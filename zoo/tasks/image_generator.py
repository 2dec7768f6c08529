"""A generator of images: seeds in, uint8 images out."""

import os
import random
from collections.abc import Sequence
from typing import Literal, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.images import check_raw, prepare, to_uint8
from zoo.inversion import InversionResult, invert_images
from zoo.latents import interpolate_latents, latents_from_seeds
from zoo.networks.network import Inputs, Network
from zoo.tasks.task import Task

_BATCH = 64
_RANDOM_SEEDS = 2**53  # JSON carries integers below this exactly.
_END_OF_SEEDS = 2**63

Labels = int | Sequence[int] | np.ndarray


@keras.saving.register_keras_serializable(package="zoo")
class ImageGenerator(Task):
    """A generator with seeds for latents, and uint8 images for output.

    An image belongs to its seed (and label): image i of `generate(n, seed=s)` is the image of seed
    s + i, in every command, batch size and served model. A call takes what the network takes and
    returns float images in [-1, 1].

    Args:
        network: a generator with `image_shape`, `latent_dim`, `latent` (`"normal"` or
            `"uniform"`) and `num_classes` (0 for an unconditional one).
        name: str, the model's name.
        dtype: a dtype policy or its name, of a call's output; by default the network's.

    Example:
    >>> from zoo.networks import DCGANGenerator
    >>> generator = ImageGenerator(DCGANGenerator((32, 32, 3), base_filters=32))
    >>> generator.generate(4, seed=0).shape
    (4, 32, 32, 3)
    """

    preset_class = "NetworkImageGenerator"

    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        super().__init__(network, name=name, dtype=dtype)
        missing = [a for a in ("latent_dim", "latent", "num_classes") if not hasattr(network, a)]
        if missing:
            raise ValueError(
                f"`network` must be a generator; {type(network).__name__} has no "
                f"{', '.join(missing)}."
            )
        self.build_from_symbolic_inputs()

    @classmethod
    def from_preset(
        cls, handle: str | os.PathLike, *, load_weights: bool = True, dtype: object = None
    ) -> Self:
        """Loads a trained generator of images; arguments and errors as in `Task.from_preset`.

        Raises:
            ValueError: also for a generator of points (the toys `ring` and `grid`).
        """
        generator = super().from_preset(handle, load_weights=load_weights, dtype=dtype)
        if len(generator.image_shape) != 3:
            raise ValueError(
                f"The preset {handle!s} makes points of shape {generator.image_shape}, not images: "
                "there is no sheet to draw and nothing to serve. Load its network with "
                f"zoo.load_network({str(handle)!r})."
            )
        return generator

    def symbolic_inputs(self) -> Inputs:
        return self.network.symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> tf.Tensor:
        return ops.cast(self.network(inputs, training=training), self.compute_dtype)

    @property
    def latent_dim(self) -> int:
        """d, the latent's dimension."""
        return self.network.latent_dim

    @property
    def num_classes(self) -> int:
        """K, 0 for an unconditional generator."""
        return self.network.num_classes

    def images_from_latents(self, latents: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """Computes float32 images `[B, height, width, channels]` in [-1, 1], in inference mode.

        Args:
            latents: float32 tensor `[B, d]`.
            labels: int64 tensor `[B]`, for a conditional generator.
        """
        inputs = {"latent": latents, "label": labels} if self.num_classes else latents
        return tf.cast(self(inputs, training=False), tf.float32)

    @tf.function(reduce_retracing=True)
    def images_from_seeds(
        self,
        seeds: tf.Tensor,
        labels: tf.Tensor | None = None,
        truncation: tf.Tensor | float = 1.0,
    ) -> tf.Tensor:
        """Computes the uint8 images of some seeds; a pure graph, which is what is served.

        Args:
            seeds: int64 tensor `[B]`.
            labels: int64 tensor `[B]`, for a conditional generator.
            truncation: float scalar, multiplies the latents.
        """
        latents = latents_from_seeds(seeds, self.latent_dim, self.network.latent)
        return to_uint8(self.images_from_latents(truncation * latents, labels))

    def generate(
        self,
        n: int,
        *,
        labels: Labels | None = None,
        seed: int | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Generates images.

        Args:
            n: int, how many, at least 1.
            labels: for a conditional generator, one class or n of them; image i is of class
                `i % num_classes` by default.
            seed: int in [0, 2^63 - n], the first image's seed, the others following; random by
                default (and then repeatable by `keras.utils.set_random_seed`).
            truncation: float in (0, 1], multiplies the latents: nearer to the mean image, less
                varied. None and 1 leave them alone.

        Returns:
            uint8 array `[n, height, width, channels]`.

        Raises:
            ValueError: an argument out of its range, or labels for an unconditional generator.
        """
        if n < 1:
            raise ValueError(f"`n` must be at least 1, received n={n}.")
        _check_truncation(truncation)
        if seed is None:
            seed = random.randrange(_RANDOM_SEEDS)
        _check_seed(seed, n)
        classes = self.check_labels(n, labels)
        seeds = seed + np.arange(n, dtype="int64")
        batches = [
            self.images_from_seeds(
                tf.constant(seeds[start : start + _BATCH]),
                None if classes is None else tf.constant(classes[start : start + _BATCH]),
                tf.constant(1.0 if truncation is None else truncation),
            )
            for start in range(0, n, _BATCH)
        ]
        return np.concatenate([batch.numpy() for batch in batches])

    def interpolate(
        self,
        seed_a: int,
        seed_b: int,
        steps: int = 8,
        *,
        label: int | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Generates images on the way from one seed to another.

        Normal latents go along an arc, uniform ones along a straight line. The first image is that
        of `generate(1, seed=seed_a)`, the last that of `generate(1, seed=seed_b)`.

        Args:
            seed_a: int in [0, 2^63), the first image's seed.
            seed_b: int in [0, 2^63), the last image's seed.
            steps: int, how many images, at least 2.
            label: class of all images, for a conditional generator; 0 by default.
            truncation: float in (0, 1], multiplies the latents; None for 1.

        Returns:
            uint8 array `[steps, height, width, channels]`.

        Raises:
            ValueError: an argument out of its range, or a label for an unconditional generator.
        """
        if steps < 2:
            raise ValueError(f"`steps` must be at least 2, received steps={steps}.")
        _check_truncation(truncation)
        for seed in (seed_a, seed_b):
            _check_seed(seed, 1)
        if label is None and self.num_classes:
            label = 0
        classes = self.check_labels(steps, label)
        kind = self.network.latent
        start, end = (
            latents_from_seeds(tf.fill([steps], tf.constant(seed, tf.int64)), self.latent_dim, kind)
            for seed in (seed_a, seed_b)
        )
        latents = interpolate_latents(start, end, tf.linspace(0.0, 1.0, steps), kind)
        latents *= 1.0 if truncation is None else truncation
        batches = [
            to_uint8(
                self.images_from_latents(
                    latents[start : start + _BATCH],
                    None if classes is None else tf.constant(classes[start : start + _BATCH]),
                )
            ).numpy()
            for start in range(0, steps, _BATCH)
        ]
        return np.concatenate(batches)

    def invert(
        self,
        images: np.ndarray,
        *,
        labels: Labels | Literal["searched"] | None = None,
        steps: int = 500,
        restarts: int = 4,
        learning_rate: float = 0.2,
        seed: int = 0,
        batch_size: int = 256,
    ) -> InversionResult:
        """Finds the latents whose images are nearest to some images, by gradient descent.

        Args:
            images: uint8 `[n, h, w, c]` of any size.
            labels: one class, n of them, or `"searched"`, the best of all; for a conditional
                generator, and needed there.
            steps: int, gradient steps.
            restarts: int, latents that are tried for each image.
            learning_rate: float, that of the first step; it falls to 0.
            seed: int, of the latents one starts from.
            batch_size: int, images that are inverted at a time.

        Returns:
            latents, float images in [-1, 1], mean absolute errors, classes, and history; see
            `zoo.inversion.invert_images`.

        Raises:
            ValueError: images that are not uint8, or an argument out of its range.
        """
        images = np.asarray(images)
        check_raw(images, rank=4)
        if not len(images):
            raise ValueError("`images` is empty; give at least one image.")
        classes: np.ndarray | Literal["searched"] | None = None
        if isinstance(labels, str):
            classes = labels
        elif labels is not None:
            classes = self.check_labels(len(images), labels)
        return invert_images(
            self,
            prepare(tf.constant(images), self.image_shape).numpy(),
            labels=classes,
            steps=steps,
            restarts=restarts,
            learning_rate=learning_rate,
            seed=seed,
            batch_size=batch_size,
        )

    def compile(
        self, optimizer: object = "auto", loss: object = "auto", **keras_arguments: object
    ) -> None:
        """Configures `fit(latents, images)`, which draws the generator towards given images.

        Adversarial training is `zoo.models`' and `python -m training.fit --init-from`'s.

        Args:
            optimizer: `"auto"` for Adam(2e-4), or what Keras takes.
            loss: `"auto"` for the mean absolute error, or what Keras takes.
            **keras_arguments: further arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = keras.optimizers.Adam(2e-4)
        if loss == "auto":
            loss = keras.losses.MeanAbsoluteError()
        super().compile(optimizer=optimizer, loss=loss, **keras_arguments)

    def compile_from_config(self, config: dict) -> None:
        """Compiles as a `.keras` file says; Keras leaves that to models with an own `compile`."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def check_labels(self, n: int, labels: Labels | None) -> np.ndarray | None:
        """Returns the int64 classes `[n]` of n images, None for an unconditional generator.

        Args:
            n: int, how many images.
            labels: one class or n of them; None for class `i % num_classes` of image i.

        Raises:
            ValueError: no classes of this generator.
        """
        if not self.num_classes:
            if labels is not None:
                raise ValueError("This generator is unconditional; it takes no `labels`.")
            return None
        if labels is None:
            return np.arange(n, dtype="int64") % self.num_classes
        classes = np.asarray(labels)
        if classes.dtype.kind not in "iu" or classes.shape not in ((), (n,)):
            raise ValueError(
                f"`labels` must be one integer or {n} of them, received {classes.dtype} of shape "
                f"{classes.shape}."
            )
        if classes.min() < 0 or classes.max() >= self.num_classes:
            raise ValueError(
                f"`labels` must be in 0..{self.num_classes - 1}, received "
                f"{classes.min()}..{classes.max()}."
            )
        return np.broadcast_to(classes, (n,)).astype("int64")

    def preset_arguments(self) -> dict:
        return {"name": self.name}


def _check_truncation(truncation: float | None) -> None:
    if truncation is not None and not 0.0 < truncation <= 1.0:
        raise ValueError(f"`truncation` must be in (0, 1], received {truncation}.")


def _check_seed(seed: int, n: int) -> None:
    if not 0 <= seed <= _END_OF_SEEDS - n:
        raise ValueError(f"`seed` must be in [0, 2**63 - {n}], received seed={seed}.")
