"""The image generator, from seeds to uint8 images."""

import random
from collections.abc import Sequence
from typing import Literal, Self, cast

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.images import check_raw, prepare, to_uint8
from zoo.inversion import InversionResult, invert_images
from zoo.latents import as_seed, interpolate_latents, latents_from_seeds
from zoo.networks.network import Inputs, Network
from zoo.presets.read import Handle, class_names_of_whole
from zoo.tasks.class_names import check_class_names
from zoo.tasks.generation_arguments import (
    Labels,
    batches,
    check_count,
    check_labels,
    check_truncation,
)
from zoo.tasks.task import Task

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
        class_names: K distinct strings, for a conditional generator; "0" to "K-1" by default.
        name: str, the model's name.
        dtype: a dtype policy or its name, for the output of a call; None for that of the network.

    Raises:
        ValueError: a network without one of these attributes, or another number of names.

    Example:
    >>> from zoo.networks import make_generator
    >>> network = make_generator("dcgan", image_shape=(32, 32, 3), latent_dim=100, filters=32)
    >>> ImageGenerator(network).generate(4, seed=0).shape
    (4, 32, 32, 3)
    """

    preset_class = "NetworkImageGenerator"

    def __init__(
        self,
        network: Network,
        *,
        class_names: Sequence[str] | None = None,
        name: str | None = None,
        dtype: object = None,
    ):
        super().__init__(network, name=name, dtype=dtype)
        missing = [a for a in _GENERATOR_ATTRIBUTES if getattr(network, a, None) is None]
        if missing:
            raise ValueError(
                f"`network` must be a generator; {type(network).__name__} has no "
                f"{', '.join(missing)}."
            )
        self.class_names = check_class_names(class_names, network.num_classes)
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
        if names := class_names_of_whole(preset, generator.num_classes):
            generator.class_names = tuple(names)
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
            labels: for a conditional generator, one class or n classes, by number or name; by
                default image i has class `i % num_classes`.
            seed: int in [0, 2^63 - n], seed of the first image; image i has seed `seed + i`. By
                default it is random, and `keras.utils.set_random_seed` makes it repeatable.
            truncation: float in (0, 1], the factor of the latents. Small values give images that
                are closer to the mean image and less diverse. None is the same as 1.

        Returns:
            uint8 array `[n, height, width, channels]`.

        Raises:
            ValueError: an argument outside its range, or labels for an unconditional generator.
        """
        n = check_count(n, name="n", least=1)
        check_truncation(truncation)
        if seed is None:
            seed = random.randrange(_RANDOM_SEEDS)
        seed = as_seed(seed, count=n)
        classes = self.check_labels(n, labels)
        seeds = tf.constant(seed + np.arange(n, dtype="int64"))
        factor = tf.constant(1.0 if truncation is None else truncation)
        return np.concatenate(
            [self.images_from_seeds(z, y, factor).numpy() for z, y in batches(seeds, classes)]
        )

    def interpolate(
        self,
        seed_a: int,
        seed_b: int,
        steps: int = 8,
        *,
        label: int | str | None = None,
        truncation: float | None = None,
    ) -> np.ndarray:
        """Generates images between two seeds, by interpolation of their latents.

        The interpolation is spherical for normal latents and linear for uniform ones. The first
        image equals `generate(1, seed=seed_a)`, and the last equals `generate(1, seed=seed_b)`.

        Args:
            seed_a: int in [0, 2^63), seed of the first image.
            seed_b: int in [0, 2^63), seed of the last image.
            steps: int, at least 2, number of images.
            label: class of all images, by number or name, if conditional; 0 by default.
            truncation: float in (0, 1], the factor of the latents; None is the same as 1.

        Returns:
            uint8 array `[steps, height, width, channels]`.

        Raises:
            ValueError: an argument outside its range, or a label for an unconditional generator.
        """
        steps = check_count(steps, name="steps", least=2)
        check_truncation(truncation)
        seeds = as_seed(seed_a, name="seed_a"), as_seed(seed_b, name="seed_b")
        if label is None and self.num_classes:
            label = 0
        classes = self.check_labels(steps, label)
        kind = self.network.latent
        start, end = (
            latents_from_seeds(tf.fill([steps], tf.constant(seed, tf.int64)), self.latent_dim, kind)
            for seed in seeds
        )
        latents = interpolate_latents(start, end, tf.linspace(0.0, 1.0, steps), kind)
        latents *= 1.0 if truncation is None else truncation
        pixels = (to_uint8(self.images_from_latents(z, y)) for z, y in batches(latents, classes))
        return np.concatenate([image.numpy() for image in pixels])

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
            seed: int in [0, 2^63), seed of the initial latents.
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
        if labels is not None and not (isinstance(labels, str) and labels == "searched"):
            labels = self.check_labels(len(images), labels)
        return invert_images(
            self,
            prepare(tf.constant(images), self.image_shape).numpy(),
            labels=cast(np.ndarray | Literal["searched"] | None, labels),
            steps=steps,
            restarts=restarts,
            learning_rate=learning_rate,
            seed=as_seed(seed),
            batch_size=batch_size,
        )

    def compile(
        self, optimizer: object = "auto", loss: object = "auto", **keras_arguments: object
    ) -> None:
        """Configures `fit(latents, images)`, a regression; `zoo.models` trains adversarially.

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
        return check_labels(n, labels, class_names=self.class_names)

    def preset_arguments(self) -> dict:
        named = self.class_names != check_class_names(None, self.num_classes)
        return {**({"class_names": list(self.class_names)} if named else {}), "name": self.name}
