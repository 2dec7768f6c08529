"""A generator of images: seeds in, uint8 images out."""

import random
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.images import to_uint8
from zoo.latents import latents_from_seeds
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
        if truncation is not None and not 0.0 < truncation <= 1.0:
            raise ValueError(f"`truncation` must be in (0, 1], received {truncation}.")
        if seed is None:
            seed = random.randrange(_RANDOM_SEEDS)
        if not 0 <= seed <= _END_OF_SEEDS - n:
            raise ValueError(f"`seed` must be in [0, 2**63 - {n}], received seed={seed}.")
        seeds = seed + np.arange(n, dtype="int64")
        classes = self._check_labels(n, labels)
        batches = [
            self.images_from_seeds(
                tf.constant(seeds[start : start + _BATCH]),
                None if classes is None else tf.constant(classes[start : start + _BATCH]),
                tf.constant(1.0 if truncation is None else truncation),
            )
            for start in range(0, n, _BATCH)
        ]
        return np.concatenate([batch.numpy() for batch in batches])

    def _check_labels(self, n: int, labels: Labels | None) -> np.ndarray | None:
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
