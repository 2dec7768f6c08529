"""LGAN: the pairs of functions whose optimum under a Lipschitz penalty is unique and informative.

The critic minimises `phi(f(g)) + varphi(f(x)) + weight * k(f)^2`, high = real; the generator
minimises `psi(f(g))`. All values are per sample, float32. The penalty is `zoo.penalties`' MaxGP.

Source: Zhou et al., arXiv 1902.05687; the rows and psi are those of sobolev_cifar10.py in
ZhimingZhou/LGANs-for-reproduce. Convex phi with `varphi(t) = phi(-t)` meets the paper's conditions;
`square` does so for t > -1 only and `hinge` has zero slopes, and both are among the tested ones.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from keras import ops

Function = Callable[[tf.Tensor], tf.Tensor]


class Pair(NamedTuple):
    """One row of the table.

    Attributes:
        phi: what the critic minimises on fake images.
        psi: what the generator minimises.
    """

    phi: Function
    psi: Function

    def varphi(self, score: tf.Tensor) -> tf.Tensor:
        """Computes `varphi(t) = phi(-t)`, what the critic minimises on real images."""
        return self.phi(-score)


def _linear(score: tf.Tensor) -> tf.Tensor:
    return score


def _sqrt(score: tf.Tensor) -> tf.Tensor:
    return ops.sqrt(ops.square(score) + 1.0) + score


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

The released code calls them x, log_sigmoid, exp, sqrt, lsgan, hinge (alpha 1).
"""
