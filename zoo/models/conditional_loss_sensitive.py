"""CLS-GAN: a classifier as loss network, trained on labelled, unlabelled and generated images."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from zoo.batch_statistics import unchanged_statistics
from zoo.ema import clone
from zoo.gradients import minimise
from zoo.models.conditional_loss_sensitive_options import ConditionalLossSensitive
from zoo.models.conditional_losses import ConditionalLossModel
from zoo.models.data_checks import Wanted
from zoo.models.examples import Examples, Losses
from zoo.models.mean_prediction import MeanPrediction
from zoo.models.semi_supervised import (
    LABELLED,
    UNLABELLED,
    UnlabelledImages,
    check_features,
    check_network,
)
from zoo.models.supervised import SupervisedClassifier
from zoo.options import NotNegativeCount, StepOptions, checked
from zoo.penalties import Penalty
from zoo.randomness import Noise


class ConditionalLossSensitiveGAN(ConditionalLossModel):
    """CLS-GAN, with the objective `ConditionalLossSensitive`.

    Args:
        generator: conditional network from `{"latent", "label"}` to images.
        critic: classifier from images to logits `[B, K]`, e.g. `zoo.ImageClassifier`.
        objective: options with the losses; None for the paper's plain setting.
        semi_supervised: bool, whether batches have an unlabelled stream, and L the extra class.
        run_steps: int, length of the run in steps, of which the ramps are shares.
        penalty: a `zoo.penalties.Penalty` on the loss L(., y) of the true class, at the labelled
            pairs (x, G(z, y)): the paper's L is Lipschitz for each y. A penalty with a buffer would
            need the labels of its points and is refused. None for none.
        step: options of the step; `ema` averages *both* networks.
        seed: int, seed of all noise drawn in training.
    """

    objective: ConditionalLossSensitive
    objective_class = ConditionalLossSensitive
    own_arguments = ("semi_supervised", "run_steps", "seed", "name")
    summary = "semi-supervised image classification (Qi, 2017)"
    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities, section 6 (arXiv 1701.06264)"  # noqa: E501

    @checked
    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        objective: ConditionalLossSensitive | None = None,
        *,
        semi_supervised: bool = True,
        run_steps: NotNegativeCount = 0,
        penalty: Penalty | None = None,
        step: StepOptions = StepOptions(),
        seed: NotNegativeCount = 0,
        name: str | None = None,
    ):
        if generator.num_classes < 2:
            raise ValueError("CLS-GAN needs a conditional generator of at least two classes.")
        if getattr(penalty, "buffer", 0):
            raise ValueError(
                "The buffer of the penalty holds images without their labels, and CLS-GAN "
                "penalises the loss of the true class: use no buffer."
            )
        super().__init__(
            generator,
            critic,
            objective,
            penalty=penalty,
            step=step,
            run_steps=run_steps,
            seed=seed,
            streams=(LABELLED, UNLABELLED) if semi_supervised else (LABELLED,),
            name=name,
        )
        self.semi_supervised = semi_supervised
        self._check_objective()
        self.critic_average = clone(critic) if step.ema is not None else None
        self.mean_prediction = None
        if self.objective.distribution_alignment:
            self.mean_prediction = MeanPrediction.create(self, critic.num_classes)

    def _check_objective(self) -> None:
        objective = self.objective
        if self.semi_supervised:
            objective.check_average(self.step_options.ema)
            objective.check_ramp(self.run_steps)
        elif objective.average_option is not None or objective.has_terms:
            given = objective.average_option or next(filter(vars(objective).get, objective.names))
            raise ValueError(f"`{given}` needs unlabelled images: give `semi_supervised` True.")
        check_network(self.critic, objective)
        if objective.feature_matching:
            check_features(self.critic, "feature_matching")
        objective.check_schedule(self.run_steps)
        every = self.step_options.penalty_every
        if every > 1 and objective.skips_fakes:
            raise ValueError(
                f"`penalty_every` {every} chooses among steps with generated images, and some "
                "steps have none: give `penalty_every` 1, or `adversarial_start` 0 and "
                "`adversarial_every` 1."
            )

    @property
    def wanted_data(self) -> Wanted:
        return dataclasses.replace(super().wanted_data, needs_labels=(LABELLED,))

    @classmethod
    def from_arguments(
        cls,
        generator: keras.Model,
        critic: keras.Model,
        arguments: Mapping[str, Any],
        *,
        penalty: Penalty | None = None,
    ) -> Self:
        """Creates a model; presets of before November 2026 hold the ramp in steps."""
        arguments = dict(arguments)
        if ramp_steps := arguments.pop("unlabelled_ramp_steps", 0):
            arguments |= {"unlabelled_ramp": 1.0, "run_steps": ramp_steps}
        return super().from_arguments(generator, critic, arguments, penalty=penalty)

    @property
    def classifier(self) -> keras.Model:
        """The classifier to predict with: the critic, with averaged weights if there are any."""
        return self.critic if self.critic_average is None else self.critic_average

    def make_control(self, *, with_unlabelled_terms: bool = False) -> SupervisedClassifier:
        """Returns a control: a new network like the critic, trained without a generator.

        Args:
            with_unlabelled_terms: bool, whether the control learns from unlabelled images too, by
                the same terms; otherwise from the labelled images alone.

        Raises:
            ValueError: `with_unlabelled_terms`, and the model has no unlabelled images.
        """
        network = type(self.critic).from_config(self.critic.get_config())
        if not with_unlabelled_terms:
            return SupervisedClassifier(network, ema=self.step_options.ema, seed=self.seed)
        if not self.semi_supervised:
            raise ValueError(
                "All images have labels, so a control without a generator equals the supervised "
                "control: give `labels`, such as 1000, or use the supervised control."
            )
        control = SupervisedClassifier(
            network,
            ema=self.step_options.ema,
            seed=self.seed,
            terms=self.objective.shared_terms(),
            run_steps=self.run_steps,
        )
        control.stream_multiples = self.stream_multiples
        return control

    def _score_fakes(self, fakes: Examples, noise: Noise) -> Examples:
        with unchanged_statistics(self.critic):
            return self.score(fakes, noise)

    def critic_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step on labelled, unlabelled and generated images."""
        return self._critic_step(batch, noise, global_batch, with_fakes=True)

    def critic_step_without_fakes(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        return self._critic_step(batch, noise, global_batch, with_fakes=False)

    def _critic_step(
        self,
        batch: Mapping[str, Examples],
        noise: Noise,
        global_batch: tf.Tensor,
        *,
        with_fakes: bool,
    ) -> Losses:
        noises = {name: noise.child(name) for name in self.streams}
        images = None
        if self.semi_supervised:
            images = self.unlabelled_images(batch[UNLABELLED], noises[UNLABELLED])
        fakes: dict[str, Examples] = {}
        if with_fakes:
            classes = {LABELLED: batch[LABELLED].labels, UNLABELLED: None}
            if images is not None and self.objective.classes_by_average:
                classes[UNLABELLED] = images.classes_of_fakes
            fakes = {name: self.make_fakes(noises[name], classes[name]) for name in self.streams}
        if self.penalty is not None:
            self.penalty.before_step(self.critic)

        def loss() -> tuple[tf.Tensor, tuple[Losses, dict[str, tf.Tensor]]]:
            terms, values = self._terms(batch[LABELLED], images, fakes, noises)
            found = {}
            if with_fakes:
                penalised = self.penalise(
                    batch[LABELLED], fakes[LABELLED], noise.child("penalty"), global_batch
                )
                terms |= penalised.terms
                values |= penalised.logs
                found = penalised.found
            share, logs = self._total("critic_loss", terms, global_batch)
            return share, ({"critic_loss": logs["critic_loss"], **terms, **values}, found)

        logs, found = minimise(loss, self.critic.trainable_variables, self.critic_optimizer)
        if self.mean_prediction is not None and images is not None:
            self.mean_prediction.update(images, global_batch)
        if self.penalty is not None and (with_fakes or not self.penalty.differentiates):
            self.penalty.after_step(self.critic, found)
        return logs

    def _terms(
        self,
        labelled: Examples,
        images: UnlabelledImages | None,
        fakes: Mapping[str, Examples],
        noises: Mapping[str, Noise],
    ) -> tuple[Losses, Losses]:
        """Runs the critic on all groups of images: (terms `[b]`, values to log)."""
        real = self.score(labelled, noises[LABELLED].child("real"))
        fake = None
        if LABELLED in fakes:
            fake = self._score_fakes(fakes[LABELLED], noises[LABELLED].child("fake"))
        terms, values = self.labelled_terms(real, fake)
        if images is None:
            return terms, values
        hinge_values: Losses = {}
        if UNLABELLED in fakes:
            real = images.first_of_each
            fake = self._score_fakes(fakes[UNLABELLED], noises[UNLABELLED].child("fake"))
            hinges, hinge_values = self.unlabelled_terms(real, fake)
            terms |= hinges
        others, other_values = images.losses(self.unlabelled_factor)
        return terms | others, values | other_values | hinge_values

    def generator_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one generator step, on the labelled pairs' latents where they are shared."""
        if self.step_options.shared_latents:
            noise = noise.child(LABELLED)
        if self.objective.feature_matching and self.semi_supervised:
            # Unlabelled images show the data better; the fakes keep the classes of labelled ones.
            images = batch[UNLABELLED].images[:: self.stream_multiples.get(UNLABELLED, 1)]
            batch = {**batch, LABELLED: Examples(images, batch[LABELLED].labels)}
        return super().generator_step(batch, noise, global_batch)

    def update_critic_average(self) -> None:
        self._update_average(self.critic_average, self.critic)
