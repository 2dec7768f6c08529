"""The same step as the public Keras examples write it: stateful noise, no guard, Keras' own loop.

The networks and optimizers are the zoo's own, so that only the step differs.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from benchmarks.train_step.cases import BATCH, CLASSES, COMPARES_WITH_REAL, Case, Contender
from benchmarks.train_step.ours import constants, make_batch, make_model


def relativistic_average(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Computes RaGAN's loss if `left` should have the larger scores."""
    more = tf.nn.softplus(tf.reduce_mean(right) - left)
    return more + tf.nn.softplus(right - tf.reduce_mean(left))


SCORE_LOSSES: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {
    "gan": lambda real, fake: tf.nn.softplus(-real) + tf.nn.softplus(fake),
    "hinge": lambda real, fake: tf.nn.relu(1.0 - real) + tf.nn.relu(1.0 + fake),
    "f_gan": lambda real, fake: tf.exp(fake - 1.0) - real,
    "ragan": relativistic_average,
}
"""The critic's losses that need the scores alone."""


class PlainGAN(keras.Model):
    """A GAN with a `train_step` in the style of keras.io's examples.

    Args:
        case: what is trained.
    """

    def __init__(self, case: Case):
        super().__init__()
        self.case = case
        self.zoo_model = make_model(case)
        self.generator = self.zoo_model.generator
        self.critic = self.zoo_model.critic
        self.streams = self.zoo_model.streams
        self.constants = constants(self.zoo_model)
        self.critic_optimizer = self.zoo_model.critic_optimizer
        self.generator_optimizer = self.zoo_model.generator_optimizer
        self.critic_loss_tracker = keras.metrics.Mean(name="critic_loss")
        self.generator_loss_tracker = keras.metrics.Mean(name="generator_loss")

    def train_step(self, data: dict) -> dict:
        real = {
            name: tf.cast(data[name]["images"], tf.float32) / 127.5 - 1.0 for name in self.streams
        }
        labels = data[self.streams[0]].get("labels")
        fake_labels = {name: self._labels(name, labels) for name in self.streams}
        with tf.GradientTape() as tape:
            critic_loss = self._critic_loss(real, fake_labels, labels)
        variables = self.critic.trainable_variables
        self.critic_optimizer.apply_gradients(
            zip(tape.gradient(critic_loss, variables), variables, strict=True)
        )
        with tf.GradientTape() as tape:
            fake = self._generate(labels)
            c_real = None
            if self.case.model in COMPARES_WITH_REAL:
                c_real = self.critic(real[self.streams[0]], training=True)
            generator_loss = self._generator_loss(self.critic(fake, training=True), labels, c_real)
        variables = self.generator.trainable_variables
        self.generator_optimizer.apply_gradients(
            zip(tape.gradient(generator_loss, variables), variables, strict=True)
        )
        self.critic_loss_tracker.update_state(critic_loss)
        self.generator_loss_tracker.update_state(generator_loss)
        return {m.name: m.result() for m in (self.critic_loss_tracker, self.generator_loss_tracker)}

    def _labels(self, stream: str, labels: tf.Tensor | None) -> tf.Tensor | None:
        if stream != "unlabelled":
            return labels
        return tf.random.uniform([BATCH], maxval=CLASSES, dtype=tf.int64)

    def _generate(self, labels: tf.Tensor | None) -> tf.Tensor:
        latent = tf.random.normal([BATCH, self.generator.latent_dim])
        inputs = latent if labels is None else {"latent": latent, "label": labels}
        return self.generator(inputs, training=True)

    def _critic_loss(self, real: dict, fake_labels: dict, labels: tf.Tensor | None) -> tf.Tensor:
        model, of = self.case.model, self.constants
        if model == "clsgan":
            return self._semi_supervised_loss(real, fake_labels, labels)
        images = real[self.streams[0]]
        fake = self._generate(None)
        c_real, c_fake = self.critic(images, training=True), self.critic(fake, training=True)
        if model in SCORE_LOSSES:
            return tf.reduce_mean(SCORE_LOSSES[model](c_real, c_fake))
        if model == "r3gan":
            squares = [tf.square(self._norms(points)) for points in (images, fake)]
            penalty = 0.5 * of["penalty_weight"] * tf.reduce_mean(tf.add_n(squares))
            return tf.reduce_mean(tf.nn.softplus(c_fake - c_real)) + penalty
        if model == "lsgan":
            distances = tf.square(c_real - of["real_target"])
            return 0.5 * tf.reduce_mean(distances + tf.square(c_fake - of["fake_target"]))
        if model == "ls_gan":
            delta = of["margin_scale"] * tf.reduce_mean(tf.abs(images - fake), (1, 2, 3))
            return tf.reduce_mean(tf.nn.relu(tf.stop_gradient(delta) + c_real - c_fake))
        u = tf.random.uniform([BATCH, 1, 1, 1])
        norms = self._norms(u * images + (1.0 - u) * fake)
        if model == "wgan_gp":
            penalty = of["penalty_weight"] * tf.reduce_mean(tf.square(norms - 1.0))
            return tf.reduce_mean(c_fake - c_real) + penalty
        penalty = of["penalty_weight"] * tf.square(tf.reduce_max(norms))
        return tf.reduce_mean(tf.nn.softplus(c_fake) + tf.nn.softplus(-c_real)) + penalty

    def _norms(self, points: tf.Tensor) -> tf.Tensor:
        """Computes the critic's gradient norm at each point."""
        with tf.GradientTape() as tape:
            tape.watch(points)
            scores = self.critic(points, training=True)
        gradient = tape.gradient(scores, points)
        return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=(1, 2, 3)) + 1e-12)

    def _semi_supervised_loss(self, real: dict, fake_labels: dict, labels: tf.Tensor) -> tf.Tensor:
        total = 0.0
        for name in self.streams:
            fake = self._generate(fake_labels[name])
            losses = [self._class_losses(self.critic(x, training=True)) for x in (real[name], fake)]
            if name == "labelled":
                l_real, l_fake = (tf.gather(x, labels, axis=1, batch_dims=1) for x in losses)
                total += tf.reduce_mean(l_real)
            else:
                l_real, l_fake = (tf.reduce_min(x, axis=1) for x in losses)
            delta = self.constants["margin_scale"] * tf.reduce_mean(
                tf.abs(real[name] - fake), (1, 2, 3)
            )
            total += tf.reduce_mean(tf.nn.relu(tf.stop_gradient(delta) + l_real - l_fake))
        return total

    @staticmethod
    def _class_losses(logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.softplus(tf.reduce_logsumexp(logits, axis=1, keepdims=True)) - logits

    def _generator_loss(
        self, scores: tf.Tensor, labels: tf.Tensor | None, c_real: tf.Tensor | None
    ) -> tf.Tensor:
        model = self.case.model
        if model == "clsgan":
            losses = self._class_losses(scores)
            return tf.reduce_mean(tf.gather(losses, labels, axis=1, batch_dims=1))
        if model == "gan":
            return tf.reduce_mean(tf.nn.softplus(-scores))
        if model == "ragan":
            return tf.reduce_mean(relativistic_average(scores, c_real))
        if model == "r3gan":
            return tf.reduce_mean(tf.nn.softplus(c_real - scores))
        if model == "lsgan":
            return 0.5 * tf.reduce_mean(tf.square(scores - self.constants["generator_target"]))
        return tf.reduce_mean(scores if model == "ls_gan" else -scores)


class Step:
    """Runs the step on one batch that stays in memory.

    Args:
        case: model and networks.
        contender: how.
    """

    def __init__(self, case: Case, contender: Contender):
        self.steps = contender.steps_per_call
        self.model = PlainGAN(case)
        # On a CPU this is Keras' own choice, as its users have it; on a GPU both are contenders.
        on_gpu = bool(tf.config.list_logical_devices("GPU"))
        jit: Any = contender.compiled if on_gpu else "auto"
        self.model.compile(jit_compile=jit, steps_per_execution=self.steps)
        batch = make_batch(self.model.zoo_model)
        del batch["index"]
        self.iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())
        self.model.make_train_function()

    def __call__(self) -> None:
        logs = self.model.train_function(self.iterator)
        float(next(iter(logs.values())))
