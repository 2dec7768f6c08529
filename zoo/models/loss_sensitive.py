"""LS-GAN and GLS-GAN (loss-sensitive; not the least squares LSGAN, which is another paper)."""

import keras
import tensorflow as tf
from keras import ops

from zoo.gradients import gather
from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.loss_sensitive import (
    DISTANCES,
    MARGIN_SCALE,
    elu_cost,
    hinge_argument,
    leaky_cost,
    margin,
    pairwise_margin,
)
from zoo.penalties import Penalty
from zoo.randomness import Noise

PAIRS = ("same_index", "all")
OUTPUTS = {"linear": tf.identity, "softplus": ops.softplus, "relu": ops.relu}
"""What makes the loss L out of the critic's raw output. The released lsgan.lua has `relu`, which
can die; the paper and the other scripts are linear."""


class LossSensitiveGAN(AdversarialModel):
    """LS-GAN: the critic is a loss L, low = real, that separates pairs by their distance.

    Critic `E[(Delta(x, g) + L(x) - L(g))_+] + first_term_weight * E[L(x)]`, generator `E[L(g)]`;
    Delta is a constant. At its optimum the hinge term is E[Delta], not zero: watch `gap` and
    `active_hinges`.

    Args:
        generator: network from latents to images.
        critic: network from images to raw scores `[B]`.
        distance: `"l1"` or `"l2"`, that of Delta.
        margin_scale: float >= 0, its factor; the paper's tau, per mean pixel.
        pairs: `"same_index"` (x_i with g_i, the released code) or `"all"` (every real with every
            fake image of the global batch, the paper's equation 8).
        first_term_weight: float >= 0, the code's gamma, 1 / lambda of the paper.
        output_activation: `"linear"`, `"softplus"` or `"relu"`, from raw score to L.
        weight_decay: float >= 0; adds `weight_decay * w` to the gradient of both networks' weights.
        penalty: a `zoo.penalties.Penalty` on L; None for none.
        critic_steps: int >= 1, critic steps a generator step.
        generator_batches: int >= 1, see `AdversarialModel`.
        shared_latents: bool, see `AdversarialModel`; True in the released Torch code.
        ema: float in [0, 1), decay of the generator's average; None for none.
        seed: int, seed of all noise drawn in training.

    Source: Qi, arXiv 1701.06264v3, equations 1 to 9; lsgan.lua of guojunq/lsgan.
    """

    high_is_real = False
    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities (arXiv 1701.06264)"  # noqa: E501

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        distance: str = "l1",
        margin_scale: float = MARGIN_SCALE,
        pairs: str = "same_index",
        first_term_weight: float = 0.0,
        output_activation: str = "linear",
        weight_decay: float = 0.0,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        for field, value in (
            ("margin_scale", margin_scale),
            ("first_term_weight", first_term_weight),
            ("weight_decay", weight_decay),
        ):
            if value < 0:
                raise ValueError(f"`{field}` must not be negative, received {value}.")
        for field, choice, choices in (
            ("distance", distance, DISTANCES),
            ("pairs", pairs, PAIRS),
            ("output_activation", output_activation, tuple(OUTPUTS)),
        ):
            if choice not in choices:
                raise ValueError(f"`{field}` must be one of {choices}, received {choice!r}.")
        if pairs == "all" and getattr(critic, "takes_labels", False):
            raise ValueError("A conditional critic compares images of one class: no `pairs='all'`.")
        super().__init__(
            generator,
            critic,
            penalty=penalty,
            critic_steps=critic_steps,
            generator_batches=generator_batches,
            shared_latents=shared_latents,
            ema=ema,
            seed=seed,
            name=name,
        )
        self.distance = distance
        self.margin_scale = margin_scale
        self.pairs = pairs
        self.first_term_weight = first_term_weight
        self.output_activation = output_activation
        self.weight_decay = weight_decay

    def score(self, examples: Examples, noise: Noise) -> Examples:
        scored = super().score(examples, noise)
        return scored._replace(scores=OUTPUTS[self.output_activation](scored.scores))

    def cost(self, argument: tf.Tensor) -> tf.Tensor:
        """Computes the cost of `a = Delta + L(x) - L(g)`, of any shape: `(a)_+`."""
        return ops.relu(argument)

    def _arguments(self, real: Examples, fake: Examples) -> tf.Tensor:
        """`Delta + L(x) - L(g)`: `[b, 1]` for pairs of one index, `[b, B]` for all pairs."""
        scale, distance = self.margin_scale, self.distance
        if self.pairs == "same_index":
            delta = margin(real.images, fake.images, scale=scale, distance=distance)
            return hinge_argument(delta, real.scores, fake.scores)[:, None]
        delta = pairwise_margin(real.images, gather(fake.images), scale=scale, distance=distance)
        column = tf.expand_dims(real.scores, axis=1)
        return hinge_argument(delta, column, gather(fake.scores)[None])

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        arguments = self._arguments(real, fake)
        terms = {"hinge": tf.reduce_mean(self.cost(arguments), axis=1)}
        if self.first_term_weight:
            terms["first_term"] = tf.multiply(self.first_term_weight, real.scores)
        if self.weight_decay:
            terms["weight_decay"] = self._decay(self.critic, real.scores)
        active = tf.reduce_mean(tf.cast(arguments > 0, tf.float32), axis=1)
        return terms, self.diagnostics(real, fake) | {"active_hinges": active}

    def generator_losses(self, fake: Examples) -> Losses:
        terms = {"loss_of_fakes": fake.scores}
        if self.weight_decay:
            terms["generator_weight_decay"] = self._decay(self.generator, fake.scores)
        return terms

    def _decay(self, network: keras.Model, like: tf.Tensor) -> tf.Tensor:
        """`weight_decay / 2 * sum w^2`, once a sample, so that its global mean is itself."""
        squares = [tf.reduce_sum(tf.square(w.value)) for w in network.trainable_variables]
        return tf.fill(tf.shape(like), 0.5 * self.weight_decay * tf.add_n(squares))


class GeneralizedLossSensitiveGAN(LossSensitiveGAN):
    """GLS-GAN: LS-GAN with another cost of `a = Delta + L(x) - L(g)` than the hinge.

    Cost `max(a, nu a)` of slope nu <= 1 below zero, or ELU. nu = 0 is LS-GAN; nu = 1 is WGAN, with
    L = -c and a constant added.

    Args:
        slope: float <= 1, nu; or `"elu"`.

    The other arguments are those of `LossSensitiveGAN`.

    Source: Qi, arXiv 1701.06264v5, appendix D; glsgan.lua and README of guojunq/glsgan.
    """

    paper = "Qi, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities, generalized (arXiv 1701.06264v5)"  # noqa: E501

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        slope: float | str = 0.0,
        distance: str = "l1",
        margin_scale: float = MARGIN_SCALE,
        pairs: str = "same_index",
        first_term_weight: float = 0.0,
        output_activation: str = "linear",
        weight_decay: float = 0.0,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        if isinstance(slope, str) and slope != "elu":
            raise ValueError(f"`slope` must be a number <= 1 or 'elu', received {slope!r}.")
        if not isinstance(slope, str) and not slope <= 1:
            raise ValueError(f"`slope` (nu) must be at most 1, received {slope}.")
        super().__init__(
            generator,
            critic,
            distance=distance,
            margin_scale=margin_scale,
            pairs=pairs,
            first_term_weight=first_term_weight,
            output_activation=output_activation,
            weight_decay=weight_decay,
            penalty=penalty,
            critic_steps=critic_steps,
            generator_batches=generator_batches,
            shared_latents=shared_latents,
            ema=ema,
            seed=seed,
            name=name,
        )
        self.slope = slope

    def cost(self, argument: tf.Tensor) -> tf.Tensor:
        """Computes `max(a, nu a)`, or `elu(a)`."""
        if isinstance(self.slope, str):
            return elu_cost(argument)
        return leaky_cost(argument, self.slope)
