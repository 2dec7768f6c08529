"""The losses of CLS-GAN's critic and generator for images that have been scored."""

import keras
import tensorflow as tf

from zoo.models.class_losses import class_losses, labelled_loss, unlabelled_loss
from zoo.models.conditional_loss_sensitive_options import ConditionalLossSensitive
from zoo.models.examples import Examples, Losses
from zoo.models.margins import hinge, hinge_argument, margin
from zoo.models.mean_prediction import MeanPrediction
from zoo.models.semi_supervised import UNLABELLED, UnlabelledImages, ramp, scored
from zoo.models.semi_supervised_losses import mean_feature_distance
from zoo.models.skipped_fakes import SkippingModel
from zoo.randomness import Noise


class ConditionalLossModel(SkippingModel):
    """The part of `ConditionalLossSensitiveGAN` that computes losses.

    Attributes:
        objective: options with the weights.
        semi_supervised: bool, whether L has the extra class.
        critic_average: the critic with averaged weights, or None.
        mean_prediction: the running mean of distribution alignment, or None.
    """

    objective: ConditionalLossSensitive
    semi_supervised: bool
    critic_average: keras.Model | None
    mean_prediction: MeanPrediction | None

    def losses_per_class(self, examples: Examples) -> tf.Tensor:
        """Returns `L(x, l)`, float32 `[b, K]`, of examples that have been scored."""
        return class_losses(examples.scores, extra_class=self.semi_supervised)

    def penalised_score(self, examples: Examples, noise: Noise) -> tf.Tensor:
        """Computes `L(x, y)` of the true class `[b]`."""
        return labelled_loss(self.losses_per_class(self.score(examples, noise)), examples.labels)

    def _weight(self, start: float, length: float) -> tf.Tensor | float:
        """Returns a factor that rises from 0 to 1; both arguments are shares of the run."""
        if not start and not length:
            return 1.0
        first, steps = round(start * self.run_steps), round(length * self.run_steps)
        return ramp(self.step.value, start=first, length=steps)

    @property
    def adversarial_weight(self) -> tf.Tensor | float:
        """The factor of both hinges and of the generator's loss in this step."""
        return self._weight(self.objective.adversarial_start, self.objective.adversarial_ramp)

    @property
    def unlabelled_factor(self) -> tf.Tensor | float:
        """The factor of all terms on unlabelled images in this step."""
        return self._weight(0.0, self.objective.unlabelled_ramp)

    def _hinge(
        self, real: Examples, fake: Examples, losses: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, Losses]:
        """Computes the hinge of pairs from the losses of real and fake images, without weight."""
        delta = margin(real.images, fake.images, scale=self.objective.margin_scale)
        active = hinge_argument(delta, *losses) > 0
        values = {"gap": losses[1] - losses[0], "active_hinges": tf.cast(active, tf.float32)}
        return hinge(delta, *losses), values

    def labelled_terms(self, real: Examples, fake: Examples | None) -> tuple[Losses, Losses]:
        """Computes cross-entropy and hinge of labelled pairs: (terms `[b]`, values to log).

        Args:
            real: labelled images, scored.
            fake: fakes of the same classes, scored; None for the cross-entropy alone.
        """
        real_losses = self.losses_per_class(real)
        real_loss = labelled_loss(real_losses, real.labels)
        wrong = tf.argmin(real_losses, axis=-1) != tf.cast(real.labels, tf.int64)
        terms, values = {"cross_entropy": real_loss}, {"train_error": tf.cast(wrong, tf.float32)}
        if fake is None:
            return terms, values
        fake_loss = labelled_loss(self.losses_per_class(fake), fake.labels)
        value, pair_values = self._hinge(real, fake, (real_loss, fake_loss))
        terms["hinge"] = self.objective.hinge_weight * self.adversarial_weight * value
        return terms, values | pair_values

    def unlabelled_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Computes the hinge of unlabelled pairs: (terms `[b]`, values to log)."""
        real_losses, fake_losses = self.losses_per_class(real), self.losses_per_class(fake)
        if self.objective.classes_by_average:
            real_loss = labelled_loss(real_losses, real.labels)
            fake_loss = labelled_loss(fake_losses, fake.labels)
        else:
            real_loss, fake_loss = unlabelled_loss(real_losses), unlabelled_loss(fake_losses)
        value, values = self._hinge(real, fake, (real_loss, fake_loss))
        weight = self.objective.unlabelled_weight * self.unlabelled_factor * self.adversarial_weight
        if real.weights is not None:
            weight *= real.weights
        values = {f"unlabelled_{name}": logged for name, logged in values.items()}
        return {"unlabelled_hinge": weight * value}, values

    def unlabelled_images(self, examples: Examples, noise: Noise) -> UnlabelledImages:
        """Returns the unlabelled images of a step with what the networks compute for them."""
        return UnlabelledImages(
            examples,
            noise,
            network=self.critic,
            average=self.critic_average,
            terms=self.objective,
            extra_class=self.semi_supervised,
            multiple=self.stream_multiples.get(UNLABELLED, 1),
            mean_prediction=None if self.mean_prediction is None else self.mean_prediction.value,
        )

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        loss = labelled_loss(self.losses_per_class(fake), fake.labels)
        return {"generator_loss": self.adversarial_weight * loss}

    def generator_terms(
        self, fake: Examples, real: Examples, noise: Noise, *, training: bool
    ) -> Losses:
        if not self.objective.feature_matching:
            return super().generator_terms(fake, real, noise, training=training)
        real, fake = (
            scored(self.critic, examples, noise.child(name), with_features=True, training=training)
            for name, examples in (("real", real), ("fake", fake))
        )
        weight = self.objective.feature_matching * self.adversarial_weight
        distance = weight * mean_feature_distance(real.features, fake.features)
        (class_loss,) = self.generator_losses(fake, real).values()
        return {
            "class_loss": class_loss,
            "feature_matching": tf.fill(tf.shape(class_loss), distance),
        }

    @property
    def values_of_fakes(self) -> tuple[str, ...]:
        pairs = ["hinge", "gap", "active_hinges"]
        both = [*pairs, *(f"unlabelled_{name}" for name in pairs)]
        matching = ["class_loss", "feature_matching"] if self.objective.feature_matching else []
        penalised = () if self.penalty is None else self.penalty.logged
        hinges = both if self.semi_supervised else pairs
        return (*hinges, *penalised, "generator_loss", *matching)
