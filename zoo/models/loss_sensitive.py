"""LS-GAN and GLS-GAN (loss-sensitive; not the least squares LSGAN, which is another paper)."""

import dataclasses
from typing import Annotated, Literal

import keras
import tensorflow as tf
from keras import ops

from zoo.gradients import gather
from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.margins import (
    MARGIN_SCALE,
    elu_cost,
    hinge_argument,
    leaky_cost,
    margin,
    pairwise_margin,
)
from zoo.models.objective import Objective
from zoo.options import NotNegative, Range
from zoo.randomness import Noise

OUTPUTS = {"linear": tf.identity, "softplus": ops.softplus, "relu": ops.relu}
"""Functions from the raw output of the critic to the loss L. The released lsgan.lua has `relu`,
which can die; the paper and the other scripts are linear."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossSensitive(Objective):
    """LS-GAN's losses: the critic is a loss L, low = real, that separates pairs by their distance.

    Critic `E[(Delta(x, g) + L(x) - L(g))_+] + first_term_weight * E[L(x)]`, generator `E[L(g)]`.
    Delta is a constant. At its optimum the hinge term is E[Delta], not zero: watch `gap` and
    `active_hinges`.

    Source: Qi, arXiv 1701.06264v3, equations 1 to 9; lsgan.lua of guojunq/lsgan.
    """

    high_is_real = False

    distance: Literal["l1", "l2"] = "l1"
    """Distance of a real and a fake image in the margin Delta."""
    margin_scale: NotNegative = MARGIN_SCALE
    """Factor of that distance, a mean over pixels and channels; the paper's tau per mean pixel."""
    pairs: Literal["same_index", "all"] = "same_index"
    """Pair x_i with g_i (the released code), or every real with every fake image of the global
    batch (the paper's equation 8)."""
    first_term_weight: NotNegative = 0.0
    """Weight of E[L(x)]: gamma of the released code, 1 / lambda of the paper."""
    output_activation: Literal["linear", "softplus", "relu"] = "linear"
    """Function from the raw output of the critic to the loss L."""
    weight_decay: NotNegative = 0.0
    """Adds weight_decay * w to the gradients of both networks."""

    def check_critic(self, *, takes_labels: bool) -> None:
        if self.pairs == "all" and takes_labels:
            raise ValueError(
                "`pairs` all would pair images of different classes, and this critic is "
                "conditional: use `pairs` same_index."
            )

    def cost(self, argument: tf.Tensor) -> tf.Tensor:
        """Computes the cost of `a = Delta + L(x) - L(g)`, of any shape: `(a)_+`."""
        return ops.relu(argument)

    def arguments(self, real: Examples, fake: Examples) -> tf.Tensor:
        """Computes `Delta + L(x) - L(g)`: `[b, 1]` for pairs of one index, `[b, B]` for all."""
        scale, distance = self.margin_scale, self.distance
        if self.pairs == "same_index":
            delta = margin(real.images, fake.images, scale=scale, distance=distance)
            return hinge_argument(delta, real.scores, fake.scores)[:, None]
        delta = pairwise_margin(real.images, gather(fake.images), scale=scale, distance=distance)
        column = tf.expand_dims(real.scores, axis=1)
        return hinge_argument(delta, column, gather(fake.scores)[None])

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        arguments = self.arguments(real, fake)
        terms = {"hinge": tf.reduce_mean(self.cost(arguments), axis=1)}
        if self.first_term_weight:
            terms["first_term"] = tf.multiply(self.first_term_weight, real.scores)
        active = tf.reduce_mean(tf.cast(arguments > 0, tf.float32), axis=1)
        return terms, self.diagnostics(real, fake) | {"active_hinges": active}

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return self.critic_terms(real, fake)[0]

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"loss_of_fakes": fake.scores}


class LossSensitiveGAN(AdversarialModel):
    """LS-GAN, with the objective `LossSensitive`.

    The critic gives raw scores `[B]`; its loss L is their `output_activation`. A penalty applies
    to L.

    Source: Qi, arXiv 1701.06264v3; lsgan.lua of guojunq/lsgan.
    """

    objective: LossSensitive
    objective_class: type[LossSensitive] = LossSensitive
    summary = "loss-sensitive (Qi, 2017)"
    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities (arXiv 1701.06264)"  # noqa: E501

    def score(self, examples: Examples, noise: Noise, *, training: bool = True) -> Examples:
        scored = super().score(examples, noise, training=training)
        return scored._replace(scores=OUTPUTS[self.objective.output_activation](scored.scores))

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        terms, values = super().critic_terms(real, fake)
        return terms | self._decay("weight_decay", self.critic, real.scores), values

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        decay = self._decay("generator_weight_decay", self.generator, fake.scores)
        return super().generator_losses(fake, real) | decay

    def _decay(self, term: str, network: keras.Model, like: tf.Tensor) -> Losses:
        """Returns `weight_decay / 2 * sum w^2` once per sample; its global mean is itself."""
        weight = self.objective.weight_decay
        if not weight:
            return {}
        squares = [tf.reduce_sum(tf.square(w.value)) for w in network.trainable_variables]
        return {term: tf.fill(tf.shape(like), 0.5 * weight * tf.add_n(squares))}


Slope = Annotated[float, Range("at most 1, since a cost C must satisfy C(a) >= a", most=1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class GeneralizedLossSensitive(LossSensitive):
    """GLS-GAN's losses: LS-GAN's with another cost of `a = Delta + L(x) - L(g)` than the hinge.

    The cost is `max(a, nu a)` with a slope nu <= 1 below zero, or ELU. nu = 0 is LS-GAN; nu = 1 is
    WGAN, with L = -c and a constant added.

    Source: Qi, arXiv 1701.06264v5, appendix D; glsgan.lua and README of guojunq/glsgan.
    """

    slope: Slope | Literal["elu"] = 0.0
    """Slope nu of the cost below zero, at most 1 (0 is LS-GAN, 1 is WGAN); or elu."""

    def cost(self, argument: tf.Tensor) -> tf.Tensor:
        """Computes `max(a, nu a)`, or `elu(a)`."""
        if isinstance(self.slope, str):
            return elu_cost(argument)
        return leaky_cost(argument, self.slope)


class GeneralizedLossSensitiveGAN(LossSensitiveGAN):
    """GLS-GAN, with the objective `GeneralizedLossSensitive`.

    Source: Qi, arXiv 1701.06264v5, appendix D; glsgan.lua and README of guojunq/glsgan.
    """

    objective_class = GeneralizedLossSensitive
    summary = "from LS-GAN to WGAN (Qi, 2017)"
    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities, generalized (arXiv 1701.06264v5)"  # noqa: E501
