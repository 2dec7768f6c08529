"""Diagnostics of the critic: gradient norms, and the share of weights at the clipping bound."""

import keras
import numpy as np
import tensorflow as tf

from training.callbacks.counting import CountingCallback
from training.data.image_data import Split
from zoo.gradients import input_gradient, norm_per_sample
from zoo.latents import latents_from_seeds
from zoo.models.examples import Examples
from zoo.penalties.clipping import WeightClipping
from zoo.penalties.gradient import interpolates
from zoo.randomness import Noise

IMAGES = 64


class Diagnostics(CountingCallback):
    """Adds gradient norms to the logs of each report.

    All values are computed on fixed images and latents, with both networks in inference mode:

    - `gradient_norm_data`: mean of `|| grad c(x) ||_2` at real images;
    - `gradient_norm_interpolates` and `gradient_norm_max`: mean and maximum of the same norm at
      interpolates of real and fake images. The maximum estimates the critic's Lipschitz constant
      and is the value of MaxGP;
    - `generator_gradient_norm`: norm of the gradient of the generator's loss with respect to all
      generator weights;
    - `clipped_weights`: share of critic weights at the clipping bound, if weights are clipped.

    Args:
        split: the images, of which the first 64 are used. Conditional critics need labels.
    """

    def __init__(self, split: Split):
        super().__init__()
        self.images = split.inputs(IMAGES)
        self.labels = None if split.labels is None else np.asarray(split.labels[:IMAGES])

    def _inputs(self) -> tuple[tf.Tensor | dict[str, tf.Tensor], tf.Tensor | None]:
        """Returns the generator's inputs, and the labels of real and fake images."""
        generator, count = self.model.generator, len(self.images)
        seeds = np.arange(count, dtype="int64")
        latents = latents_from_seeds(seeds, generator.latent_dim, generator.latent)
        if not generator.num_classes:
            return latents, None
        labels = tf.constant(seeds % generator.num_classes if self.labels is None else self.labels)
        return {"latent": latents, "label": labels}, labels

    def measure(self) -> dict[str, float]:
        """Computes the values for the current weights."""
        model, real = self.model, tf.constant(self.images)
        latents, labels = self._inputs()
        takes_labels = getattr(model.critic, "takes_labels", False)

        def score(images: tf.Tensor) -> tf.Tensor:
            inputs = {"images": images, "label": labels} if takes_labels else images
            return tf.cast(model.critic(inputs, training=False), tf.float32)

        noise = Noise(0, 0, tf.range(len(real), dtype=tf.int64))
        weights = [variable.value for variable in model.generator.trainable_variables]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            fake = tf.cast(model.generator(latents, training=False), tf.float32)
            terms = model.generator_terms(
                Examples(fake, labels), Examples(real, labels), noise, training=False
            )
            loss = tf.reduce_mean(tf.add_n(list(terms.values())))
        gradients = tape.gradient(loss, weights)
        values = {"generator_gradient_norm": tf.linalg.global_norm(gradients)}
        if score(real).shape.rank == 1:  # A classifier has several outputs per image.
            between = norm_per_sample(input_gradient(score, interpolates(real, fake, noise)))
            values |= {
                "gradient_norm_data": tf.reduce_mean(norm_per_sample(input_gradient(score, real))),
                "gradient_norm_interpolates": tf.reduce_mean(between),
                "gradient_norm_max": tf.reduce_max(between),
            }
        if isinstance(model.penalty, WeightClipping):
            values["clipped_weights"] = _clipped_share(model.critic, model.penalty.bound)
        return {name: float(value) for name, value in values.items()}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            logs.update(self.measure())


def _clipped_share(critic: keras.Model, bound: float) -> float:
    """Returns the share of trainable weights with an absolute value of `bound`, up to rounding."""
    weights = np.concatenate([np.ravel(v.numpy()) for v in critic.trainable_variables])
    return float(np.mean(np.abs(weights) >= bound * (1 - 1e-3)))
