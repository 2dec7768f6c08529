"""The base of every GAN here: two networks, two optimizers, one step."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.gradients import minimise, share_of_global_mean, with_loss_scale
from zoo.models.trainer import Examples, StatelessTrainer
from zoo.penalties.penalty import NOTHING, Penalised, Penalty
from zoo.randomness import Noise
from zoo.rematerialisation import rematerialising

Losses = dict[str, tf.Tensor]


class AdversarialModel(StatelessTrainer):
    """A generator and a critic, trained in turns.

    A step takes `critic_steps` critic steps, each on its own part of the batch and on newly made
    fakes, then one generator step, then moves the average of the generator. A subclass states its
    objective in `critic_losses` and `generator_losses`; where the step itself differs it overrides
    `critic_step` or `generator_step`.

    Gradients and logged values are means over the *global* batch and noise follows the global
    sample index, so one replica and many compute the same.

    Args:
        generator: network from latents (`latent_dim`, `latent`, `num_classes`) to images.
        critic: network from images to scores `[B]`, or to logits `[B, K]`.
        penalty: a `zoo.penalties.Penalty` on the critic; None for none.
        critic_steps: int >= 1, critic steps a generator step; a batch must hold as many parts.
        generator_batches: int >= 1, fake images of a generator step for each one of a critic step.
        shared_latents: bool, whether the generator step takes the latents of the last critic
            step, as the Torch codes of DCGAN and LS-GAN do, or fresh ones.
        ema: float in [0, 1), decay of the generator's average; None for none.
        seed: int, seed of all noise drawn in training.

    Subclass attributes:
        high_is_real: bool, whether a high score means "real".
        paper: str, where the objective is from.
    """

    high_is_real = True
    paper = ""

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        streams: tuple[str, ...] = ("real",),
        name: str | None = None,
    ):
        if critic_steps < 1:
            raise ValueError(f"`critic_steps` must be at least 1, received {critic_steps}.")
        if generator_batches < 1:
            raise ValueError(f"`generator_batches` must be at least 1, got {generator_batches}.")
        if shared_latents and generator_batches > 1:
            raise ValueError(
                "`shared_latents` takes the critic step's fakes, so `generator_batches` must be 1."
            )
        if ema is not None and not 0.0 <= ema < 1.0:
            raise ValueError(f"`ema` must be None or in [0, 1), received ema={ema}.")
        if penalty is not None:
            penalty.prepare(critic)
        super().__init__(seed=seed, streams=streams, batches_per_step=critic_steps, name=name)
        self.generator = generator
        self.critic = critic
        self.penalty = penalty
        self.critic_steps = critic_steps
        self.generator_batches = generator_batches
        self.shared_latents = shared_latents
        self.ema = ema
        self.generator_average = clone(generator) if ema is not None else None
        self.built = True

    @property
    def sampler(self) -> keras.Model:
        """The generator to sample from: its average where there is one."""
        return self.generator if self.generator_average is None else self.generator_average

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
        *,
        run_eagerly: bool = False,
    ) -> None:
        """Takes the two optimizers and builds each on its own network's variables."""
        super().compile(
            optimizer=with_loss_scale(generator_optimizer, self.generator),
            run_eagerly=run_eagerly,
            jit_compile=False,
            auto_scale_loss=False,
        )
        self.generator_optimizer = self.optimizer
        self.critic_optimizer = with_loss_scale(critic_optimizer, self.critic)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)

    @property
    def optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"optimizer": self.optimizer, "critic_optimizer": self.critic_optimizer}

    def in_update_order(self) -> list[keras.Variable]:
        critic = self.critic.variables
        return [*critic, *(v for v in self.variables if not any(v is c for c in critic))]

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        """Returns the named per-sample terms `[b]` whose sum the critic minimises."""
        raise NotImplementedError

    def generator_losses(self, fake: Examples) -> Losses:
        """Returns the named per-sample terms `[b]` whose sum the generator minimises."""
        raise NotImplementedError

    def diagnostics(self, real: Examples, fake: Examples) -> Losses:
        """Returns per-sample values `[b]` to log; `gap` > 0 where the critic tells them apart."""
        gap = tf.subtract(real.scores, fake.scores)
        return {
            "score_real": tf.convert_to_tensor(real.scores),
            "score_fake": tf.convert_to_tensor(fake.scores),
            "gap": gap if self.high_is_real else -gap,
        }

    def make_fakes(
        self, noise: Noise, labels: tf.Tensor | None = None, *, training: bool = True
    ) -> Examples:
        """Generates as many images as `noise` has rows, of the given or of drawn classes."""
        shape = (self.generator.latent_dim,)
        rows = noise.child("latent")
        uniform = self.generator.latent == "uniform"
        latent = rows.uniform(*shape, low=-1.0) if uniform else rows.normal(*shape)
        if not self.generator.num_classes:
            return Examples(tf.cast(self.generator(latent, training=training), tf.float32))
        if labels is None:
            labels = noise.child("label").classes(self.generator.num_classes)
        inputs = {"latent": latent, "label": labels}
        return Examples(tf.cast(self.generator(inputs, training=training), tf.float32), labels)

    def score(self, examples: Examples, noise: Noise) -> Examples:
        """Runs the critic in training mode on one group of images: real and fake never mix."""
        inputs = examples.images
        if getattr(self.critic, "takes_labels", False):
            inputs = {"images": examples.images, "label": examples.labels}
        with noise.scope():
            scores = self.critic(inputs, training=True)
        return examples._replace(scores=tf.cast(scores, tf.float32))

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Returns the critic's losses, and the values to log beside them."""
        return self.critic_losses(real, fake), self.diagnostics(real, fake)

    def penalised_score(self, examples: Examples, noise: Noise) -> tf.Tensor:
        """Computes what the penalty takes the gradient of, a value a sample: the score `[b]`."""
        return self.score(examples, noise).scores

    def penalise(
        self, real: Examples, fake: Examples, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Returns what the penalty finds; nothing without a penalty."""
        if self.penalty is None:
            return NOTHING

        def score(images: tf.Tensor) -> tf.Tensor:
            with rematerialising(False):
                return self.penalised_score(real._replace(images=images), noise)

        return self.penalty.terms(score, real.images, fake.images, noise, global_batch)

    def critic_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step; returns per-sample values to log."""
        fake_images = self.make_fakes(noise, batch["real"].labels)
        if self.penalty is not None:
            self.penalty.before_step(self.critic)

        def loss() -> tuple[tf.Tensor, tuple[Losses, dict[str, tf.Tensor]]]:
            real = self.score(batch["real"], noise.child("real"))
            fake = self.score(fake_images, noise.child("fake"))
            terms, values = self.critic_terms(real, fake)
            penalised = self.penalise(real, fake, noise.child("penalty"), global_batch)
            share, logs = self._total("critic_loss", terms | penalised.terms, global_batch)
            return share, (logs | values | penalised.logs, penalised.found)

        logs, found = minimise(loss, self.critic.trainable_variables, self.critic_optimizer)
        if self.penalty is not None:
            self.penalty.after_step(self.critic, found)
        return logs

    def generator_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one generator step; the critic's weights and statistics stay as they are."""
        labels = batch[self.streams[0]].labels
        count = self.generator_batches
        if count > 1:
            noise = _several(noise, count)
            labels = None if labels is None else tf.repeat(labels, count)

        def loss() -> tuple[tf.Tensor, Losses]:
            fake = self.score(self.make_fakes(noise, labels), noise.child("fake"))
            terms = self.generator_losses(fake)
            if count > 1:
                terms = {
                    name: tf.reduce_mean(tf.reshape(values, [-1, count]), axis=1)
                    for name, values in terms.items()
                }
            return self._total("generator_loss", terms, global_batch)

        # The critic runs in training mode here too, and must forget the statistics it takes.
        statistics = self.critic.non_trainable_variables
        before = [variable.value.read_value() for variable in statistics]
        logs = minimise(loss, self.generator.trainable_variables, self.generator_optimizer)
        for variable, value in zip(statistics, before, strict=True):
            variable.assign(value)
        return logs

    @staticmethod
    def _total(name: str, terms: Losses, global_batch: tf.Tensor) -> tuple[tf.Tensor, Losses]:
        total = tf.add_n([tf.cast(term, tf.float32) for term in terms.values()])
        logs = {name: total} if len(terms) == 1 else {name: total, **terms}
        return share_of_global_mean(total, global_batch), logs

    def update_averages(self) -> None:
        """Moves the averages of the weights, where the model keeps any."""
        if self.generator_average is not None and self.ema is not None:
            update_average(
                self.generator_average, self.generator, decay=self.ema, step=self.step.value
            )

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Takes `critic_steps` critic steps and one generator step on one batch."""
        batches, noise, global_batch = self.unpack(data)
        values: Losses = {}
        for k, batch in enumerate(batches):
            values = self.critic_step(batch, noise.child(f"critic_{k}"), global_batch)
        phase = f"critic_{len(batches) - 1}" if self.shared_latents else "generator"
        values |= self.generator_step(batches[-1], noise.child(phase), global_batch)
        self.update_averages()
        return self.finish_step(values, global_batch)


def _several(noise: Noise, count: int) -> Noise:
    """Returns noise of `count` rows for each one, whatever replica it is on."""
    rows = tf.cast(count * tf.size(noise.index), tf.int64)
    first = count * tf.reduce_sum(noise.index[:1])
    return dataclasses.replace(noise, index=first + tf.range(rows, dtype=tf.int64))
