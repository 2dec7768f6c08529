"""TensorBoard summaries: scalars and histograms of the critic's scores at each report."""

import numpy as np
import tensorflow as tf

from training.callbacks.counting import CountingCallback
from training.callbacks.tolerating import tolerating
from training.data.image_data import Split
from zoo.latents import latents_from_seeds

HISTOGRAM_IMAGES = 256


class Summaries(CountingCallback):
    """Writes all logged means, and histograms of the critic's scores of real and fake images.

    Args:
        writer: TensorBoard's summary writer.
        split: the real images. Conditional critics need labels.
        first_step: int, number of steps before this start of the run.
    """

    def __init__(self, writer: tf.summary.SummaryWriter, split: Split, *, first_step: int = 0):
        super().__init__(first_step=first_step)
        self.writer = writer
        self.images = split.inputs(HISTOGRAM_IMAGES)
        self.labels = None if split.labels is None else split.labels[:HISTOGRAM_IMAGES]

    def _histograms(self) -> None:
        count = len(self.images)
        generator = self.model.sampler
        seeds = np.arange(count, dtype="int64")
        inputs = latents_from_seeds(seeds, generator.latent_dim, generator.latent)
        classes = None
        if generator.num_classes:
            classes = tf.constant(seeds % generator.num_classes)
            inputs = {"latent": inputs, "label": classes}
        fake = generator(inputs, training=False)
        groups = (("real", tf.constant(self.images), self.labels), ("fake", fake, classes))
        for name, images, labels in groups:
            if getattr(self.model.critic, "takes_labels", False):
                images = {"images": images, "label": labels}
            scores = self.model.critic(images, training=False)
            if scores.shape.rank == 2:  # A classifier: the largest logit of each image.
                scores = tf.reduce_max(scores, axis=-1)
            tf.summary.histogram(f"scores/{name}", scores)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        tolerating(lambda: self._write(logs or {}), what="TensorBoard's logs")

    def _write(self, logs: dict) -> None:
        with self.writer.as_default(step=self.run_step):
            for name, value in logs.items():
                tf.summary.scalar(name, float(value))
            if self.model.sampler is not None:
                self._histograms()
        self.writer.flush()
