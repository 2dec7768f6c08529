"""f-GAN: the critic estimates an f-divergence, which the generator minimises."""

import dataclasses
import math
from collections.abc import Callable
from typing import Literal, NamedTuple

from keras import KerasTensor, ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective

Function = Callable[[KerasTensor], KerasTensor]


class Divergence(NamedTuple):
    """Functions of the score v for one choice of f.

    Attributes:
        activation: g_f(v), the value of the variational function T; it grows with v.
        conjugate: f*(g_f(v)), simplified, so that no difference of large numbers is computed.
    """

    activation: Function
    conjugate: Function


DIVERGENCES: dict[str, Divergence] = {
    "kl": Divergence(lambda v: v, lambda v: ops.exp(v - 1.0)),
    "reverse_kl": Divergence(lambda v: -ops.exp(-v), lambda v: v - 1.0),
    "pearson": Divergence(lambda v: v, lambda v: 0.25 * ops.square(v) + v),
    "squared_hellinger": Divergence(lambda v: -ops.expm1(-v), ops.expm1),
    "jensen_shannon": Divergence(
        lambda v: math.log(2.0) - ops.softplus(-v), lambda v: ops.softplus(v) - math.log(2.0)
    ),
    "gan": Divergence(lambda v: -ops.softplus(-v), ops.softplus),
}
"""g_f and f*(g_f) by the name of the divergence: tables 2 and 6 of the paper, with f* simplified:
exp(v - 1); -1 - log(exp(-v)); v^2 / 4 + v; t / (1 - t) with t = 1 - exp(-v); -log(2 - exp(t)) with
exp(t) = 2 sigmoid(v); -log(1 - sigmoid(v))."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FDivergence(Objective):
    """f-GAN's losses: a lower bound of D_f(P || Q) between real images P and generated images Q.

    With T = g_f(c), the critic minimises `-T(x) + f*(T(g))`. The generator minimises `-T(g)`, the
    paper's alternative, or `-f*(T(g))`, the minimax loss. `divergence` in the logs is the bound,
    which is tight for T = f'(p / q).

    Source: Nowozin et al., arXiv 1606.00709, equations 6 to 8, tables 2 and 6, section 3.2.
    """

    divergence: Literal[
        "kl", "reverse_kl", "pearson", "squared_hellinger", "jensen_shannon", "gan"
    ] = "kl"
    """Divergence between real images P and generated images Q; gan is 2 JS(P || Q) - log 4."""
    saturating: bool = False
    """Let the generator minimise the minimax loss -f*(T(g)) instead of -T(g)."""

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        chosen = DIVERGENCES[self.divergence]
        return {
            "critic_loss_real": -chosen.activation(real.scores),
            "critic_loss_fake": chosen.conjugate(fake.scores),
        }

    def diagnostics(self, real: Examples, fake: Examples) -> Losses:
        losses = self.critic_losses(real, fake)
        bound = -losses["critic_loss_real"] - losses["critic_loss_fake"]
        return super().diagnostics(real, fake) | {"divergence": bound}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        chosen = DIVERGENCES[self.divergence]
        value = chosen.conjugate if self.saturating else chosen.activation
        return {"generator_loss": -value(fake.scores)}


class FGAN(AdversarialModel):
    """f-GAN, with the objective `FDivergence`."""

    objective_class = FDivergence
    summary = "a choice of f-divergences (Nowozin et al., 2016)"
    paper = "Nowozin et al., f-GAN: Training Generative Neural Samplers (arXiv 1606.00709)"
