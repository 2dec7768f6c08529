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
        varphi: what the critic minimises on real images.
        psi: what the generator minimises.
    """

    phi: Function
    varphi: Function
    psi: Function


def _mirrored(phi: Function) -> Pair:
    """`varphi(t) = phi(-t)` and `psi(t) = -t`."""
    return Pair(phi, lambda t: phi(-t), lambda t: -t)


PHIS: dict[str, Pair] = {
    "linear": _mirrored(lambda t: t),
    "softplus": _mirrored(ops.softplus),
    "exp": _mirrored(ops.exp),
    "sqrt": _mirrored(lambda t: ops.sqrt(ops.square(t) + 1.0) + t),
    "square": Pair(
        lambda t: ops.square(t + 1.0), lambda t: ops.square(t - 1.0), lambda t: ops.square(t - 1.0)
    ),
    "hinge": _mirrored(lambda t: ops.relu(t + 1.0)),
}
"""phi by name; the released code calls them x, log_sigmoid, exp, sqrt, lsgan, hinge (alpha 1)."""
