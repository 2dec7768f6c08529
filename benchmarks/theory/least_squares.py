"""LSGAN on discrete densities: the optimal critic, and the divergence that the generator meets."""

import numpy as np


def optimal_critic(
    real: np.ndarray, fake: np.ndarray, *, fake_target: float, real_target: float
) -> np.ndarray:
    """Computes `D*(x) = (b p_d(x) + a p_g(x)) / (p_d(x) + p_g(x))`.

    Args:
        real: float array `[n]`, p_d, the probabilities of the n points under the data.
        fake: float array `[n]`, p_g, those under the generator; nowhere both 0.
        fake_target: float, a.
        real_target: float, b.

    Source: Mao et al., arXiv 1611.04076, section 3.2.
    """
    return (real_target * real + fake_target * fake) / (real + fake)


def generator_cost(
    critic: np.ndarray, real: np.ndarray, fake: np.ndarray, *, generator_target: float
) -> float:
    """Computes `2C(G) = E_d[(D - c)^2] + E_g[(D - c)^2]`, the real term included.

    Args:
        critic: float array `[n]`, D at the n points.
        real: float array `[n]`, p_d.
        fake: float array `[n]`, p_g.
        generator_target: float, c.

    Source: Mao et al., arXiv 1611.04076, section 3.2.
    """
    return float(np.sum((real + fake) * (critic - generator_target) ** 2))


def symmetric_chi_square(real: np.ndarray, fake: np.ndarray) -> float:
    """Computes `sum (p_d - p_g)^2 / (p_d + p_g)`: 0 where equal, 2 where disjoint.

    It is Pearson's chi-square of p_d + p_g to 2 p_g, `sum (2 p_g - (p_d + p_g))^2 / (p_d + p_g)`.
    """
    return float(np.sum((real - fake) ** 2 / (real + fake)))


def cost_by_identity(
    chi_square: np.ndarray | float,
    *,
    fake_target: float,
    real_target: float,
    generator_target: float,
) -> np.ndarray | float:
    """Computes `2C(G) = 2 ((a + b)/2 - c)^2 + ((b - a)/2)^2 chi^2`, at D = D*.

    True for every a != b and every c; b - c = 1 and b - a = 2 make the constants 0 and 1.
    """
    offset = (fake_target + real_target) / 2 - generator_target
    half = (real_target - fake_target) / 2
    return 2 * offset**2 + half**2 * chi_square
