"""CLS-GAN: a classifier as loss network, trained on labelled, unlabelled and generated images."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import keras
import tensorflow as tf

from zoo.ema import clone
from zoo.gradients import minimise
from zoo.models.adversarial import AdversarialModel
from zoo.models.class_losses import class_losses, labelled_loss, unlabelled_loss
from zoo.models.data_checks import Wanted
from zoo.models.examples import Examples, Losses
from zoo.models.margins import MARGIN_SCALE, hinge, hinge_argument, margin
from zoo.models.objective import Objective
from zoo.models.supervised import SupervisedClassifier
from zoo.options import NotNegative, NotNegativeCount, Share, StepOptions, checked
from zoo.penalties import Penalty
from zoo.randomness import Noise

LABELLED, UNLABELLED = "labelled", "unlabelled"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConditionalLossSensitive(Objective):
    """CLS-GAN's losses, supervised and semi-supervised.

    The critic gives logits a(x) and by them a loss per class, `L(x, y)`. For labelled pairs (x, y)
    with g = G(z, y) of the *same* class, and unlabelled x_u with g_u of any class, it minimises

        E[L(x, y)] + hinge_weight * E[(Delta(x, g) + L(x, y) - L(g, y))_+]
                   + unlabelled_weight * E[(Delta(x_u, g_u) + L_ul(x_u) - L_ul(g_u))_+]

    with `L_ul(x) = min_l L(x, l)`. The generator minimises `E[L(G(z, y), y)]`. In the
    semi-supervised form L has an implicit extra class of logit 0. The prediction is
    `argmin_y L(x, y)`.

    The defaults are the paper's plain setting. With few labels, `min_l` teaches a young critic its
    own mistakes: the ramp, the margin scale and this project's additions are options for that.

    Source: Qi, arXiv 1701.06264v3, equations 14 to 18; clsgan.lua of guojunq/lsgan (supervised).
    The paper does not state how y is drawn for unlabelled pairs; here it is uniform.
    """

    high_is_real = False
    unlabelled_options = (
        "unlabelled_weight",
        "unlabelled_ramp",
        "classes_by_average",
        "unlabelled_cross_entropy",
        "confidence",
    )

    margin_scale: NotNegative = MARGIN_SCALE
    """Margin `Delta = margin_scale * mean |x - g|`; 2.4576 is that of the official code."""
    hinge_weight: NotNegative = 1.0
    """Weight of the hinge on labelled pairs, the paper's lambda."""
    unlabelled_weight: NotNegative = 1.0
    """Weight of the hinge on unlabelled pairs, the paper's gamma."""
    unlabelled_ramp: NotNegative = 0.0
    """Share of the run over which `unlabelled_weight` rises from 0."""
    classes_by_average: bool = False
    """Take the class of an unlabelled image from the averaged critic, which sees the image without
    augmentation, and pair it with a fake of that class (this project's addition); otherwise the
    paper's min over the losses of the critic itself. Needs `ema`."""
    unlabelled_cross_entropy: NotNegative = 0.0
    """Weight of L(x, y) itself for unlabelled images, y from the averaged critic, in addition to
    the hinge (this project's addition). Needs `classes_by_average`."""
    confidence: Share = 0.0
    """Smallest probability of the averaged critic's class at which an unlabelled image and its fake
    count (this project's addition). Needs `classes_by_average`."""

    def check(self) -> None:
        super().check()
        if not self.classes_by_average and (self.unlabelled_cross_entropy or self.confidence):
            raise ValueError(
                "`unlabelled_cross_entropy` and `confidence` use the classes that the averaged "
                "critic finds: they need `classes_by_average`, or must both be 0."
            )

    @property
    def reads_plain_images(self) -> bool:
        return self.classes_by_average

    def without_unlabelled(self) -> Self:
        return dataclasses.replace(
            self, classes_by_average=False, unlabelled_cross_entropy=0.0, confidence=0.0
        )


class ConditionalLossSensitiveGAN(AdversarialModel):
    """CLS-GAN, with the objective `ConditionalLossSensitive`.

    Args:
        generator: conditional network from `{"latent", "label"}` to images.
        critic: classifier from images to logits `[B, K]`, e.g. `zoo.ImageClassifier`.
        objective: options with the losses; None for the paper's plain setting.
        semi_supervised: bool, whether batches have an unlabelled stream, and L the extra class.
        run_steps: int, length of the run in steps, of which `unlabelled_ramp` is a share.
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
            seed=seed,
            streams=(LABELLED, UNLABELLED) if semi_supervised else (LABELLED,),
            name=name,
        )
        if self.objective.classes_by_average and (step.ema is None or not semi_supervised):
            raise ValueError("`classes_by_average` needs `ema`, and unlabelled images.")
        if self.objective.unlabelled_ramp and semi_supervised and not run_steps:
            raise ValueError("`unlabelled_ramp` is a share of `run_steps`: give `run_steps`.")
        self.semi_supervised = semi_supervised
        self.run_steps = run_steps
        self.critic_average = clone(critic) if step.ema is not None else None

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

    def make_control(self) -> SupervisedClassifier:
        """Returns the supervised control: a new network like the critic, under cross-entropy."""
        network = type(self.critic).from_config(self.critic.get_config())
        return SupervisedClassifier(network, ema=self.step_options.ema, seed=self.seed)

    def losses_per_class(self, examples: Examples) -> tf.Tensor:
        """Returns `L(x, l)`, float32 `[b, K]`, of examples that have been scored."""
        return class_losses(examples.scores, extra_class=self.semi_supervised)

    def penalised_score(self, examples: Examples, noise: Noise) -> tf.Tensor:
        """Computes `L(x, y)` of the true class `[b]`."""
        return labelled_loss(self.losses_per_class(self.score(examples, noise)), examples.labels)

    def labelled_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Computes cross-entropy and hinge of labelled pairs: (terms `[b]`, values to log)."""
        real_losses = self.losses_per_class(real)
        real_loss = labelled_loss(real_losses, real.labels)
        fake_loss = labelled_loss(self.losses_per_class(fake), fake.labels)
        delta = margin(real.images, fake.images, scale=self.objective.margin_scale)
        terms = {
            "cross_entropy": real_loss,
            "hinge": self.objective.hinge_weight * hinge(delta, real_loss, fake_loss),
        }
        wrong = tf.argmin(real_losses, axis=-1) != tf.cast(real.labels, tf.int64)
        active = hinge_argument(delta, real_loss, fake_loss) > 0
        return terms, {
            "train_error": tf.cast(wrong, tf.float32),
            "gap": fake_loss - real_loss,
            "active_hinges": tf.cast(active, tf.float32),
        }

    def unlabelled_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Computes the hinge of unlabelled pairs: (terms `[b]`, values to log)."""
        real_losses, fake_losses = self.losses_per_class(real), self.losses_per_class(fake)
        if self.objective.classes_by_average:
            real_loss = labelled_loss(real_losses, real.labels)
            fake_loss = labelled_loss(fake_losses, fake.labels)
        else:
            real_loss, fake_loss = unlabelled_loss(real_losses), unlabelled_loss(fake_losses)
        delta = margin(real.images, fake.images, scale=self.objective.margin_scale)
        weight = tf.constant(self.objective.unlabelled_weight)
        ramp_steps = round(self.objective.unlabelled_ramp * self.run_steps)
        if ramp_steps:
            step = tf.cast(self.step.value, tf.float32)
            weight *= tf.minimum(1.0, step / ramp_steps)
        values: Losses = {}
        if real.weights is not None:
            weight *= real.weights
            values["confident"] = real.weights
        active = hinge_argument(delta, real_loss, fake_loss) > 0
        terms = {"unlabelled_hinge": weight * hinge(delta, real_loss, fake_loss)}
        if self.objective.unlabelled_cross_entropy:
            terms["unlabelled_loss"] = weight * self.objective.unlabelled_cross_entropy * real_loss
        return terms, values | {
            "unlabelled_gap": fake_loss - real_loss,
            "unlabelled_active_hinges": tf.cast(active, tf.float32),
        }

    def with_classes(self, examples: Examples) -> Examples:
        """Gives unlabelled images the classes that the averaged critic finds, and weights."""
        seen = examples.images if examples.plain is None else examples.plain
        logits = tf.cast(self.classifier(seen, training=False), tf.float32)
        examples = examples._replace(labels=tf.argmax(logits, axis=-1))
        if not self.objective.confidence:
            return examples
        sure = tf.reduce_max(tf.nn.softmax(logits), axis=-1) >= self.objective.confidence
        return examples._replace(weights=tf.cast(sure, tf.float32))

    def critic_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step on labelled, unlabelled and made images."""
        noises = {name: noise.child(name) for name in self.streams}
        if self.semi_supervised:
            # Labels that the data may have for these images must not choose the fakes' classes.
            unlabelled = batch[UNLABELLED]._replace(labels=None)
            if self.objective.classes_by_average:
                unlabelled = self.with_classes(unlabelled)
            batch = {**batch, UNLABELLED: unlabelled}
        fakes = {name: self.make_fakes(noises[name], batch[name].labels) for name in self.streams}
        terms_of = {LABELLED: self.labelled_terms, UNLABELLED: self.unlabelled_terms}
        if self.penalty is not None:
            self.penalty.before_step(self.critic)

        def loss() -> tuple[tf.Tensor, tuple[Losses, dict[str, tf.Tensor]]]:
            terms: Losses = {}
            values: Losses = {}
            for name in self.streams:
                real = self.score(batch[name], noises[name].child("real"))
                fake = self.score(fakes[name], noises[name].child("fake"))
                new_terms, new_values = terms_of[name](real, fake)
                terms |= new_terms
                values |= new_values
            penalised = self.penalise(
                batch[LABELLED], fakes[LABELLED], noise.child("penalty"), global_batch
            )
            share, logs = self._total("critic_loss", terms | penalised.terms, global_batch)
            return share, (logs | values | penalised.logs, penalised.found)

        logs, found = minimise(loss, self.critic.trainable_variables, self.critic_optimizer)
        if self.penalty is not None:
            self.penalty.after_step(self.critic, found)
        return logs

    def generator_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one generator step, on the labelled pairs' latents where they are shared."""
        if self.step_options.shared_latents:
            noise = noise.child(LABELLED)
        return super().generator_step(batch, noise, global_batch)

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": labelled_loss(self.losses_per_class(fake), fake.labels)}

    def update_averages(self) -> None:
        super().update_averages()
        self._update_average(self.critic_average, self.critic)
