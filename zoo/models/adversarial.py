"""The base of every GAN: two networks, two optimizers, one step."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from zoo.augmentation import augment
from zoo.batch_statistics import restored, unchanged_statistics
from zoo.ema import clone, update_scheduled_average
from zoo.gradients import minimise, with_loss_scale
from zoo.models.argument_checks import check_learning_rate, check_parts
from zoo.models.data_checks import Wanted
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective
from zoo.models.penalised import PenalisedTrainer
from zoo.options import NotNegativeCount, StepOptions, checked
from zoo.penalties.penalty import Penalty
from zoo.penalties.schedule import check_schedule
from zoo.randomness import Noise


class AdversarialModel(PenalisedTrainer):
    """A generator and a critic, trained in turns.

    A step takes `critic_steps` critic steps, each on its own part of the batch and on new fakes,
    then one generator step, then updates the averaged weights of the generator. A subclass names
    its objective in `objective_class`; one whose step itself differs overrides `critic_step` or
    `generator_step`.

    Gradients and logged values are means over the *global* batch, and noise follows the global
    sample index, so that one replica and many compute the same.

    Args:
        generator: network from latents (`latent_dim`, `latent`, `num_classes`) to images.
        critic: network from images to scores `[B]`, or to logits `[B, K]`.
        objective: options with the losses; None for `objective_class` with its defaults.
        penalty: a `zoo.penalties.Penalty` on the critic; None for none.
        step: options of the step.
        run_steps: int, length of the run in steps, of which the burn-in is a share.
        seed: int, seed of all noise drawn in training.

    Subclass attributes:
        objective_class: the class of the objective.
        own_arguments: names of the constructor's other arguments, except networks and penalty.
        summary: str, one line for lists of models.
        paper: str, the source of the objective.

    Example:
    >>> model = LeastSquaresGAN(generator, critic, step=StepOptions(ema=0.999))  # doctest: +SKIP
    >>> model.compile(keras.optimizers.Adam(2e-4), keras.optimizers.Adam(2e-4))  # doctest: +SKIP
    >>> model.fit(images, batch_size=64)  # doctest: +SKIP
    """

    objective_class: type[Objective] = Objective
    own_arguments: tuple[str, ...] = ("run_steps", "seed", "name")
    summary = ""
    paper = ""

    @checked
    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        objective: Objective | None = None,
        *,
        penalty: Penalty | None = None,
        step: StepOptions = StepOptions(),
        run_steps: NotNegativeCount = 0,
        seed: NotNegativeCount = 0,
        streams: tuple[str, ...] = ("real",),
        name: str | None = None,
    ):
        objective = self.objective_class() if objective is None else objective
        check_parts(objective, self.objective_class, critic, penalty, step)
        check_schedule(penalty, step, run_steps=run_steps)
        super().__init__(seed=seed, streams=streams, batches_per_step=step.critic_steps, name=name)
        self.generator = generator
        self.critic = critic
        self.objective = objective
        self.penalty = penalty
        self.step_options = step
        self.run_steps = run_steps
        self.generator_average = clone(generator) if step.ema is not None else None
        self.built = True
        self.add_state()

    def add_state(self) -> None:
        """Creates the variables of the objective, if it has any."""
        return

    @property
    def wanted_data(self) -> Wanted:
        takes_labels = getattr(self.critic, "takes_labels", False)
        return Wanted(
            image_shape=getattr(self.critic, "image_shape", None),
            num_classes=self.generator.num_classes,
            reads_labels=self.streams[:1],
            needs_labels=self.streams[:1] if takes_labels else (),
        )

    def check_batch(self, size: int) -> None:
        if self.penalty is not None:
            self.penalty.check_batch(size)

    @property
    def networks(self) -> dict[str, keras.Model]:
        return {"generator": self.generator, "critic": self.critic}

    def get_arguments(self) -> dict[str, Any]:
        """Returns the options of objective and step and the other arguments, in one flat dict."""
        options = dataclasses.asdict(self.objective) | dataclasses.asdict(self.step_options)
        return options | {name: getattr(self, name) for name in self.own_arguments}

    @classmethod
    def from_arguments(
        cls,
        generator: keras.Model,
        critic: keras.Model,
        arguments: Mapping[str, Any],
        *,
        penalty: Penalty | None = None,
    ) -> Self:
        """Creates a model from what `get_arguments` returned.

        Raises:
            TypeError: an argument that the model does not have.
        """
        in_step = {field.name for field in dataclasses.fields(StepOptions)}
        step = {name: value for name, value in arguments.items() if name in in_step}
        own = {name: value for name, value in arguments.items() if name in cls.own_arguments}
        # Presets of before November 2026 may hold the names of the class' own streams.
        others = (*step, *own, "streams")
        rest = {name: value for name, value in arguments.items() if name not in others}
        objective = cls.objective_class.from_config(rest)
        return cls(generator, critic, objective, penalty=penalty, step=StepOptions(**step), **own)

    @property
    def sampler(self) -> keras.Model:
        """The generator to sample from, with averaged weights if there are any."""
        return self.generator if self.generator_average is None else self.generator_average

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        critic_optimizer: keras.optimizers.Optimizer,
        *,
        run_eagerly: bool = False,
    ) -> None:
        """Takes the two optimizers and builds each on its own network's variables.

        Raises:
            ValueError: a learning rate that is negative or not finite.
        """
        check_learning_rate("generator_optimizer", generator_optimizer)
        check_learning_rate("critic_optimizer", critic_optimizer)
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

    def make_fakes(
        self, noise: Noise, labels: tf.Tensor | None = None, *, training: bool = True
    ) -> Examples:
        """Generates as many images as `noise` has rows, of the given or of drawn classes."""
        latent = noise.child("latent").latents(self.generator.latent, self.generator.latent_dim)
        if not self.generator.num_classes:
            return Examples(tf.cast(self.generator(latent, training=training), tf.float32))
        if labels is None:
            labels = noise.child("label").classes(self.generator.num_classes)
        inputs = {"latent": latent, "label": labels}
        return Examples(tf.cast(self.generator(inputs, training=training), tf.float32), labels)

    def score(self, examples: Examples, noise: Noise, *, training: bool = True) -> Examples:
        """Runs the critic on one group of images: real and fake images are never mixed."""
        inputs = examples.images
        if getattr(self.critic, "takes_labels", False):
            inputs = {"images": examples.images, "label": examples.labels}
        with noise.scope():
            scores = self.critic(inputs, training=training)
        return examples._replace(scores=tf.cast(scores, tf.float32))

    def augmented(self, examples: Examples, noise: Noise) -> Examples:
        """Returns images as the critic sees them in training; see `zoo.augmentation`."""
        policy = self.step_options.differentiable_augmentation
        return examples._replace(images=augment(examples.images, policy, noise.child("augment")))

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Returns the losses of the critic for scored images, and the values to log."""
        return self.objective.critic_terms(real, fake)

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        """Returns the losses of the generator for scored images; see `Objective`."""
        return self.objective.generator_losses(fake, real)

    def generator_terms(
        self, fake: Examples, real: Examples, noise: Noise, *, training: bool
    ) -> Losses:
        """Scores images and returns the losses of the generator; the one way to them.

        Args:
            fake: generated images.
            real: as many real images; they are scored only if the objective reads their scores.
            noise: noise of the rows.
            training: bool, whether the critic runs in training mode, on augmented images.
        """
        if training:
            real = self.augmented(real, noise.child("real"))
            fake = self.augmented(fake, noise.child("fake"))
        if self.objective.needs_real_scores:
            real = self.score(real, noise.child("real"), training=training)
        fake = self.score(fake, noise.child("fake"), training=training)
        return self.generator_losses(fake, real)

    def penalised_score(self, examples: Examples, noise: Noise) -> tf.Tensor:
        return self.score(examples, noise).scores

    def critic_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step; returns per-sample values to log."""
        reals = self.augmented(batch["real"], noise.child("real"))
        fakes = self.augmented(self.make_fakes(noise, batch["real"].labels), noise.child("fake"))
        if self.penalty is not None:
            self.penalty.before_step(self.critic)

        def loss() -> tuple[tf.Tensor, tuple[Losses, dict[str, tf.Tensor]]]:
            real = self.score(reals, noise.child("real"))
            with unchanged_statistics(self.critic):
                fake = self.score(fakes, noise.child("fake"))
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
        count = self.step_options.generator_batches
        real = batch[self.streams[0]]
        if count > 1:
            noise, real = noise.several(count), real.repeat(count)

        def loss() -> tuple[tf.Tensor, Losses]:
            fake = self.make_fakes(noise, real.labels)
            terms = self.generator_terms(fake, real, noise, training=True)
            if count > 1:
                terms = {k: tf.reduce_mean(tf.reshape(v, [-1, count]), 1) for k, v in terms.items()}
            return self._total("generator_loss", terms, global_batch)

        # The critic runs in training mode here too, and must forget its new statistics.
        with restored(self.critic.non_trainable_variables):
            return minimise(loss, self.generator.trainable_variables, self.generator_optimizer)

    def update_averages(self) -> None:
        """Updates the averaged weights."""
        self._update_average(self.generator_average, self.generator)

    def _update_average(self, average: keras.Model | None, network: keras.Model) -> None:
        if average is not None:
            step, run_steps = self.step.value, self.run_steps
            update_scheduled_average(
                average, network, self.step_options, step=step, run_steps=run_steps
            )

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Takes `critic_steps` critic steps and one generator step on one batch."""
        batches, noise, global_batch = self.unpack(data)
        values: Losses = {}
        for k, batch in enumerate(batches):
            values = self.critic_step(batch, noise.child(f"critic_{k}"), global_batch)
        phase = f"critic_{len(batches) - 1}" if self.step_options.shared_latents else "generator"
        values |= self.generator_step(batches[-1], noise.child(phase), global_batch)
        self.update_averages()
        return self.finish_step(values, global_batch)
