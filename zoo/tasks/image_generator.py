"""The image generator, from seeds to uint8 images."""

import random
from collections.abc import Iterator
from typing import Literal, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.images import check_raw, prepare, to_uint8
from zoo.inversion import InversionResult, invert_images
from zoo.latents import interpolate_latents, latents_from_seeds
from zoo.networks.network import Inputs, Network
from zoo.presets.read import Handle
from zoo.tasks.generation_arguments import Labels, check_labels, check_seed, check_truncation
from zoo.tasks.task import Task

_BATCH = 64
_RANDOM_SEEDS = 2**53  # JSON represents integers below this limit exactly.
_GENERATOR_ATTRIBUTES = ("latent_dim", "latent", "num_classes")


@keras.saving.register_keras_serializable(package="zoo")
class ImageGenerator(Task):
    """An image generator that draws latents from seeds and returns uint8 images.

    A seed (with a label) determines its image: image i of `generate(n, seed=s)` is the image of
    seed s + i, in every command, batch size and served model. A call takes the network's inputs,
    latents `[B, d]` or `{"latent": [B, d], "label": [B]}`, and returns float images
    `[B, height, width, channels]` in [-1, 1].

    Args:
        network: a generator with the attributes `image_shape`, `latent_dim`, `latent` (`"normal"`
            or `"uniform"`) and `num_classes` (0 for an unconditional generator).
        name: str, the model's name.
        dtype: a dtype policy or its name, for the output of a call; None for that of the network.

    Raises:
        ValueError: a network without one of these attributes.

    Example:
    >>> from zoo.networks import make_generator
    >>> network = make_generator("dcgan", image_shape=(32, 32, 3), latent_dim=100, filters=32)
    >>> ImageGenerator(network).generate(4, seed=0).shape
    (4, 32, 32, 3)
    """

    preset_class = "NetworkImageGenerator"

    def __init__(self, network: Network, *, name: str | None = None, dtype: object = None):
        super().__init__(network, name=name, dtype=dtype)
        missing = [a for a in _GENERATOR_ATTRIBUTES if getattr(network, a, None) is None]
        if missing:
            raise ValueError(
                f"`network` must be a generator; {type(network).__name__} has no "
                f"{', '.join(missing)}."
            )
        self.build_from_symbolic_inputs()

    @classmethod
    def from_preset(
        cls, handle: Handle, *, load_weights: bool = True, dtype: object = None
    ) -> Self:
        """Loads a trained image generator; see `Task.from_preset`.

        Raises:
            ValueError: also for a generator of points (the toy data `ring` and `grid`).

        Example:
        >>> name = next(iter(ImageGenerator.presets))
        >>> images = ImageGenerator.from_preset(name).generate(4, seed=0)
        """
        preset = cls._read(handle)
        generator = super().from_preset(preset, load_weights=load_weights, dtype=dtype)
        if len(generator.image_shape) != 3:
            raise ValueError(
                f"The preset {preset.handle} makes points of shape {generator.image_shape}, not "
                "images, so it cannot be drawn as a sheet or served. Load its network with "
                f"zoo.load_network({preset.handle!r})."
            )
        return generator

    def symbolic_inputs(self) -> Inputs:
        return self.network.symbolic_inputs()

    def call(self, inputs: Inputs, training: bool = False) -> tf.Tensor:
        return ops.cast(self.network(inputs, training=training), self.compute_dtype)

    @property
    def latent_dim(self) -> int:
        """Dimension d of the latent."""
        return self.network.latent_dim

    @property
    def num_classes(self) -> int:
        """Number of classes K; 0 for an unconditional generator."""
        return self.network.num_classes

    def images_from_latents(self, latents: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        """Computes the images of latents, in inference mode.

        Args:
            latents: float32 tensor `[B, d]`.
            labels: int64 tensor `[B]`, for a conditional generator.

        Returns:
            float32 tensor `[B, height, width, channels]` in [-1, 1].
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
        """Computes the images of seeds, in a graph that TF Serving can run.

        Args:
            seeds: int64 tensor `[B]`.
            labels: int64 tensor `[B]`, for a conditional generator.
            truncation: float scalar, the factor of the latents.

        Returns:
            uint8 tensor `[B, height, width, channels]`.
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
            n: int, at least 1, number of images.
            labels: for a conditional generator, one class or n classes; by default image i has
                class `i % num_classes`.
            seed: int in [0, 2^63 - n], seed of the first image; image i has seed `seed + i`. By
                default it is random, and `keras.utils.set_random_seed` makes it repeatable.
            truncation: float in (0, 1], the factor of the latents. Small values give images that
                are closer to the mean image and less diverse. None is the same as 1.

        Returns:
            uint8 array `[n, height, width, channels]`.

        Raises:
            ValueError: an argument outside its range, or labels for an unconditional generator.
        """
        if n < 1:
            raise ValueError(f"`n` must be at least 1, received n={n}.")
        check_truncation(truncation)
        if seed is None:
            seed = random.randrange(_RANDOM_SEEDS)
        check_seed(seed, n)
        classes = self.check_labels(n, labels)
        seeds = tf.constant(seed + np.arange(n, dtype="int64"))
        factor = tf.constant(1.0 if truncation is None else truncation)
        return np.concatenate(
            [self.images_from_seeds(z, y, factor).numpy() for z, y in _batches(seeds, classes)]
        )

    def interpolate(
        self,
        seed_a: int,
        seed_b: int,
        steps: int = 8,
        *,
        label: int | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Generates images between two seeds, by interpolation of their latents.

        The interpolation is spherical for normal latents and linear for uniform ones. The first
        image equals `generate(1, seed=seed_a)`, and the last equals `generate(1, seed=seed_b)`.

        Args:
            seed_a: int in [0, 2^63), seed of the first image.
            seed_b: int in [0, 2^63), seed of the last image.
            steps: int, at least 2, number of images.
            label: class of all images, for a conditional generator; 0 by default.
            truncation: float in (0, 1], the factor of the latents; None is the same as 1.

        Returns:
            uint8 array `[steps, height, width, channels]`.

        Raises:
            ValueError: an argument outside its range, or a label for an unconditional generator.
        """
        if steps < 2:
            raise ValueError(f"`steps` must be at least 2, received steps={steps}.")
        check_truncation(truncation)
        for seed in (seed_a, seed_b):
            check_seed(seed, 1)
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
        batches = _batches(latents, classes)
        return np.concatenate(
            [to_uint8(self.images_from_latents(z, y)).numpy() for z, y in batches]
        )

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
        """Finds the latents whose images are closest to given images, by gradient descent.

        Args:
            images: uint8 `[n, h, w, c]` of any size.
            labels: one class, n classes, or `"searched"` for the class with the smallest error.
                Required for a conditional generator.
            steps: int >= 1, number of gradient steps.
            restarts: int >= 1, number of initial latents per image.
            learning_rate: float > 0, learning rate of the first step; it decays to 0.
            seed: int, seed of the initial latents.
            batch_size: int >= 1, number of images per batch.

        Returns:
            An `InversionResult`: latents, float images in [-1, 1], mean absolute errors, classes
            and history; see `zoo.inversion.invert_images`.

        Raises:
            ValueError: images that are not uint8, or an argument outside its range.
        """
        images = np.asarray(images)
        check_raw(images, rank=4)
        if not len(images):
            raise ValueError("`images` is empty; give at least one image.")
        if labels is not None and not isinstance(labels, str):
            labels = self.check_labels(len(images), labels)
        return invert_images(
            self,
            prepare(tf.constant(images), self.image_shape).numpy(),
            labels=labels,
            steps=steps,
            restarts=restarts,
            learning_rate=learning_rate,
            seed=seed,
            batch_size=batch_size,
        )

    def compile(
        self, optimizer: object = "auto", loss: object = "auto", **keras_arguments: object
    ) -> None:
        """Configures `fit(latents, images)`, which regresses images on latents.

        For adversarial training use `zoo.models` or `python -m training.fit --init-from`.

        Args:
            optimizer: `"auto"` for Adam(2e-4), or a value that Keras accepts.
            loss: `"auto"` for the mean absolute error, or a value that Keras accepts.
            **keras_arguments: further arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = keras.optimizers.Adam(2e-4)
        if loss == "auto":
            loss = keras.losses.MeanAbsoluteError()
        super().compile(optimizer=optimizer, loss=loss, **keras_arguments)

    def check_labels(self, n: int, labels: Labels | None) -> np.ndarray | None:
        """Returns the classes of n images; see `zoo.tasks.generation_arguments.check_labels`."""
        return check_labels(n, labels, num_classes=self.num_classes)

    def preset_arguments(self) -> dict:
        return {"name": self.name}


def _batches(
    rows: tf.Tensor, classes: np.ndarray | None
) -> Iterator[tuple[tf.Tensor, tf.Tensor | None]]:
    """Yields (rows, classes) in batches; the classes are None for an unconditional generator."""
    for start in range(0, len(rows), _BATCH):
        part = slice(start, start + _BATCH)
        yield rows[part], None if classes is None else tf.constant(classes[part])
