"""LGAN: a Lipschitz-penalised critic under one of six phi (Zhou's, not the "localized GAN")."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from keras import ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective
from zoo.names import unknown_name

Function = Callable[[tf.Tensor], tf.Tensor]


class Pair(NamedTuple):
    """Functions of one choice of phi.

    Attributes:
        phi: minimised by the critic on fake images.
        psi: minimised by the generator.
    """

    phi: Function
    psi: Function

    def varphi(self, score: tf.Tensor) -> tf.Tensor:
        """Computes `varphi(t) = phi(-t)`, minimised by the critic on real images."""
        return self.phi(-score)


def _linear(score: tf.Tensor) -> tf.Tensor:
    return score


def _sqrt(score: tf.Tensor) -> tf.Tensor:
    # For t < 0 the sum would cancel: `sqrt(t^2 + 1) + t = 1 / (sqrt(t^2 + 1) - t)`.
    total = ops.sqrt(ops.square(score) + 1.0) + ops.where(score < 0, -score, score)
    return ops.where(score < 0, 1.0 / total, total)


def _square(score: tf.Tensor) -> tf.Tensor:
    return ops.square(score + 1.0)


def _hinge(score: tf.Tensor) -> tf.Tensor:
    return ops.relu(score + 1.0)


def _negative(score: tf.Tensor) -> tf.Tensor:
    return -score


def _to_one(score: tf.Tensor) -> tf.Tensor:
    return ops.square(score - 1.0)


PHIS: dict[str, Pair] = {
    "linear": Pair(_linear, _negative),
    "softplus": Pair(ops.softplus, _negative),
    "exp": Pair(ops.exp, _negative),
    "sqrt": Pair(_sqrt, _negative),
    "square": Pair(_square, _to_one),
    "hinge": Pair(_hinge, _negative),
}
"""phi by name: t, log(1 + e^t), e^t, sqrt(t^2 + 1) + t, (t + 1)^2, max(0, t + 1).

The released code names them x, log_sigmoid, exp, sqrt, lsgan, hinge (alpha 1).
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lipschitz(Objective):
    """LGAN's losses: critic `phi(f(g)) + varphi(f(x))`, generator `psi(f(g))`.

    psi is `-t` for each phi except `square`, for which it is `(t - 1)^2`. Convex phi with
    `varphi(t) = phi(-t)` meets the conditions of the paper; `square` does so for t > -1 only, and
    `hinge` has slope zero below -1. The paper tests both.

    Source: Zhou et al., arXiv 1902.05687; the rows and psi are those of sobolev_cifar10.py in
    ZhimingZhou/LGANs-for-reproduce.
    """

    phi: str = "softplus"
    """Function phi: linear (WGAN's), softplus, exp, sqrt, square or hinge."""

    def check(self) -> None:
        super().check()
        if self.phi not in PHIS:
            raise ValueError(unknown_name("phi", self.phi, PHIS))

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        pair = PHIS[self.phi]
        return {
            "critic_loss_real": pair.varphi(real.scores),
            "critic_loss_fake": pair.phi(fake.scores),
        }

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": PHIS[self.phi].psi(fake.scores)}


class LipschitzGAN(AdversarialModel):
    """LGAN, with the objective `Lipschitz` and, in the paper, the penalty MaxGP.

    The critic minimises `phi(f(g)) + varphi(f(x)) + weight * k(f)^2`: the penalty pulls the
    Lipschitz constant k(f) to zero. Without a penalty most phi have no minimum on disjoint
    supports. The critic must not have batch normalisation if a penalty takes its gradient.

    Source: Zhou et al., arXiv 1902.05687; ZhimingZhou/LGANs-for-reproduce.
    """

    objective_class = Lipschitz
    summary = "six objectives under the MaxGP penalty (Zhou et al., 2019)"
    paper = "Zhou et al., Lipschitz Generative Adversarial Nets (arXiv 1902.05687)"
