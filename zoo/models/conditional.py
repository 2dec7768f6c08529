"""CLS-GAN: a classifier as loss network, trained with labelled, unlabelled and made images."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.gradients import minimise
from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.conditional import class_losses, labelled_loss, unlabelled_loss
from zoo.objectives.loss_sensitive import MARGIN_SCALE, hinge, hinge_argument, margin
from zoo.penalties import Penalty
from zoo.randomness import Noise

LABELLED, UNLABELLED = "labelled", "unlabelled"


class ConditionalLossSensitiveGAN(AdversarialModel):
    """CLS-GAN, supervised and semi-supervised.

    The critic gives logits a(x) and by them a loss per class, `L(x, y)`. With labelled pairs
    (x, y), g = G(z, y) of the *same* class, and unlabelled x_u beside g_u of any class it minimises

        E[L(x, y)] + hinge_weight * E[(Delta(x, g) + L(x, y) - L(g, y))_+]
                   + unlabelled_weight * E[(Delta(x_u, g_u) + L_ul(x_u) - L_ul(g_u))_+]

    with `L_ul(x) = min_l L(x, l)`; the generator minimises `E[L(G(z, y), y)]`. Semi-supervised,
    L has an implicit extra class of logit 0. The prediction is `argmin_y L(x, y)`.

    The paper's plain setting is the default. Its ramp and margin scale are fields because, with few
    labels, `min_l` teaches a young critic its own mistakes.

    Args:
        generator: conditional network from `{"latent", "label"}` to images.
        critic: classifier from images to logits `[B, K]`, e.g. `zoo.ImageClassifier`.
        semi_supervised: bool, whether batches have an unlabelled stream, and L the extra class.
        margin_scale: float >= 0, the factor of the mean absolute pixel difference in Delta.
        hinge_weight: float >= 0, the paper's lambda.
        unlabelled_weight: float >= 0, the paper's gamma.
        unlabelled_ramp_steps: int >= 0, steps over which `unlabelled_weight` rises from 0.
        classes_by_average: bool, an addition of this project: an unlabelled image's class is taken
            from the averaged critic instead of `min_l` of the critic itself, and g_u is made of
            that class, so that unlabelled pairs are formed as labelled ones. The average sees the
            image without augmentation where the batch has it (`"plain"`). Needs `ema`.
        unlabelled_cross_entropy: float >= 0, an addition of this project: weight, within the
            unlabelled term, of `E[L(x_u, y_u)]` with the class y_u found by the averaged critic:
            the first term of the labelled objective for unlabelled images. Needs
            `classes_by_average`.
        confidence: float in [0, 1), an addition of this project: unlabelled images for which the
            averaged critic gives its class a smaller probability count nothing, nor do their fake
            partners. Needs `classes_by_average`.
        penalty: a `zoo.penalties.Penalty` on the loss L(., y) of the true class, at the labelled
            pairs (x, G(z, y)): the paper's L is Lipschitz for each y. One with a buffer would need
            its points' labels and is refused. None for none.
        critic_steps: int >= 1, critic steps a generator step.
        shared_latents: bool, whether the generator step takes the latents of the last critic
            step's labelled pairs, as clsgan.lua does, or fresh ones.
        ema: float in [0, 1), decay of the averages of *both* networks; None for none.
        seed: int, seed of all noise drawn in training.

    Source: Qi, arXiv 1701.06264v3, equations 14 to 18; clsgan.lua of guojunq/lsgan (supervised).
    How y is drawn for unlabelled pairs is not stated there; here uniformly.
    """

    high_is_real = False
    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities, section 6 (arXiv 1701.06264)"  # noqa: E501

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        semi_supervised: bool = True,
        margin_scale: float = MARGIN_SCALE,
        hinge_weight: float = 1.0,
        unlabelled_weight: float = 1.0,
        unlabelled_ramp_steps: int = 0,
        classes_by_average: bool = False,
        unlabelled_cross_entropy: float = 0.0,
        confidence: float = 0.0,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        weights = {
            "margin_scale": margin_scale,
            "hinge_weight": hinge_weight,
            "unlabelled_weight": unlabelled_weight,
            "unlabelled_ramp_steps": unlabelled_ramp_steps,
            "unlabelled_cross_entropy": unlabelled_cross_entropy,
        }
        for field, value in weights.items():
            if value < 0:
                raise ValueError(f"`{field}` must not be negative, received {value}.")
        if classes_by_average and (ema is None or not semi_supervised):
            raise ValueError("`classes_by_average` needs `ema`, and unlabelled images.")
        if unlabelled_cross_entropy and not classes_by_average:
            raise ValueError("`unlabelled_cross_entropy` needs `classes_by_average`.")
        if not 0.0 <= confidence < 1.0:
            raise ValueError(f"`confidence` must be in [0, 1), received {confidence}.")
        if confidence and not classes_by_average:
            raise ValueError("`confidence` needs `classes_by_average`.")
        if generator.num_classes < 2:
            raise ValueError("CLS-GAN needs a conditional generator of at least two classes.")
        if getattr(penalty, "buffer", 0):
            raise ValueError(
                "The penalty's buffer keeps images without their labels, and CLS-GAN penalises the "
                "loss of the true class: use no buffer."
            )
        super().__init__(
            generator,
            critic,
            penalty=penalty,
            critic_steps=critic_steps,
            shared_latents=shared_latents,
            ema=ema,
            seed=seed,
            streams=(LABELLED, UNLABELLED) if semi_supervised else (LABELLED,),
            name=name,
        )
        self.semi_supervised = semi_supervised
        self.margin_scale = margin_scale
        self.hinge_weight = hinge_weight
        self.unlabelled_weight = unlabelled_weight
        self.unlabelled_ramp_steps = unlabelled_ramp_steps
        self.classes_by_average = classes_by_average
        self.unlabelled_cross_entropy = unlabelled_cross_entropy
        self.confidence = confidence
        self.critic_average = clone(critic) if ema is not None else None

    @property
    def classifier(self) -> keras.Model:
        """The classifier to predict with: the critic's average where there is one."""
        return self.critic if self.critic_average is None else self.critic_average

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
        delta = margin(real.images, fake.images, scale=self.margin_scale)
        terms = {
            "cross_entropy": real_loss,
            "hinge": self.hinge_weight * hinge(delta, real_loss, fake_loss),
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
        if self.classes_by_average:
            real_loss = labelled_loss(real_losses, real.labels)
            fake_loss = labelled_loss(fake_losses, fake.labels)
        else:
            real_loss, fake_loss = unlabelled_loss(real_losses), unlabelled_loss(fake_losses)
        delta = margin(real.images, fake.images, scale=self.margin_scale)
        weight = tf.constant(self.unlabelled_weight)
        if self.unlabelled_ramp_steps:
            step = tf.cast(self.step.value, tf.float32)
            weight *= tf.minimum(1.0, step / self.unlabelled_ramp_steps)
        values: Losses = {}
        if real.weights is not None:
            weight *= real.weights
            values["confident"] = real.weights
        active = hinge_argument(delta, real_loss, fake_loss) > 0
        terms = {"unlabelled_hinge": weight * hinge(delta, real_loss, fake_loss)}
        if self.unlabelled_cross_entropy:
            terms["unlabelled_loss"] = weight * self.unlabelled_cross_entropy * real_loss
        return terms, values | {
            "unlabelled_gap": fake_loss - real_loss,
            "unlabelled_active_hinges": tf.cast(active, tf.float32),
        }

    def with_classes(self, examples: Examples) -> Examples:
        """Gives unlabelled images the classes that the averaged critic finds, and weights."""
        seen = examples.images if examples.plain is None else examples.plain
        logits = tf.cast(self.classifier(seen, training=False), tf.float32)
        examples = examples._replace(labels=tf.argmax(logits, axis=-1))
        if not self.confidence:
            return examples
        sure = tf.reduce_max(tf.nn.softmax(logits), axis=-1) >= self.confidence
        return examples._replace(weights=tf.cast(sure, tf.float32))

    def critic_step(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step on labelled, unlabelled and made images."""
        noises = {name: noise.child(name) for name in self.streams}
        if self.classes_by_average:
            batch = {**batch, UNLABELLED: self.with_classes(batch[UNLABELLED])}
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
        if self.shared_latents:
            noise = noise.child(LABELLED)
        return super().generator_step(batch, noise, global_batch)

    def generator_losses(self, fake: Examples) -> Losses:
        return {"generator_loss": labelled_loss(self.losses_per_class(fake), fake.labels)}

    def update_averages(self) -> None:
        super().update_averages()
        if self.critic_average is not None and self.ema is not None:
            update_average(self.critic_average, self.critic, decay=self.ema, step=self.step.value)
