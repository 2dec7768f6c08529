"""LGAN without parameters: two point masses in closed form, and any discrete problem by programme.

Source: Zhou et al., arXiv 1902.05687, section 4; the closed forms are worked out here.
"""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special
from scipy.spatial import distance

Function = Callable[[np.ndarray], np.ndarray]

# phi and its derivative, in NumPy and on their own, to hold zoo.models.lipschitz against.
PHI: dict[str, tuple[Function, Function]] = {
    "linear": (lambda t: t, np.ones_like),
    "softplus": (lambda t: np.logaddexp(0.0, t), special.expit),
    "exp": (np.exp, np.exp),
    "sqrt": (lambda t: t + np.sqrt(t * t + 1), lambda t: 1 + t / np.sqrt(t * t + 1)),
    "square": (lambda t: (t + 1) ** 2, lambda t: 2 * (t + 1)),
    "hinge": (lambda t: np.maximum(0.0, t + 1), lambda t: (t > -1).astype(float)),
}


def two_diracs(phi: str, *, gap: float, weight: float) -> float:
    """Computes the Lipschitz constant k of the optimal critic between one fake and one real point.

    f is u at the real and -u at the fake point, k = 2u/d, and u minimises
    `2 phi(-u) + 4 lambda u^2 / d^2`, so that `phi'(-u) d^2 = 4 lambda u`.

    Args:
        phi: str, a name in `PHI`.
        gap: float > 0, d, the distance of the points.
        weight: float > 0, lambda, of the penalty `lambda k^2`.
    """
    if phi == "linear":
        return gap / (2 * weight)
    if phi == "exp":
        return float(2 / gap * special.lambertw(gap**2 / (4 * weight)).real)
    if phi == "square":
        return 2 / gap / (1 + 2 * weight / gap**2)
    if phi == "hinge":
        return 2 / gap * min(1.0, gap**2 / (4 * weight))
    if phi == "softplus":
        return _root(lambda k: gap * special.expit(-k * gap / 2) - 2 * weight * k, gap / weight)
    half = gap / 2
    return _root(
        lambda k: gap * (1 - k * half / np.hypot(k * half, 1)) - 2 * weight * k, gap / weight
    )


def two_diracs_by_search(phi: str, *, gap: float, weight: float) -> float:
    """Computes the same k by minimising over u, without any derivation."""
    function = PHI[phi][0]

    def cost(u: float) -> float:
        return float(2 * function(np.array(-u)) + 4 * weight * u * u / gap**2)

    bound = gap**2 / weight
    found = optimize.minimize_scalar(
        cost, bounds=(0.0, bound), method="bounded", options={"xatol": 1e-12 * bound}
    )
    return float(2 * found.x / gap)


def _root(function: Callable[[float], float], above: float) -> float:
    return float(optimize.brentq(function, 0.0, above, xtol=1e-14))


def optimal_critic(
    points: np.ndarray, real: np.ndarray, fake: np.ndarray, *, phi: str, weight: float
) -> tuple[np.ndarray, float]:
    """Solves the discrete LGAN problem, a convex programme in f_1..f_n and k.

    `min sum_i p_g phi(f_i) + p_r phi(-f_i) + lambda k^2` with `|f_i - f_j| <= k ||x_i - x_j||`.

    Args:
        points: float array `[n, d]`, x; the distance is Euclidean.
        real: float array `[n]`, p_r.
        fake: float array `[n]`, p_g.
        phi: str, a name in `PHI`.
        weight: float > 0, lambda.

    Returns:
        f, float array `[n]`, and k.
    """
    function, derivative = PHI[phi]
    count = len(points)
    first, second = np.triu_indices(count, 1)
    gaps = distance.pdist(points)
    difference = np.zeros((len(first), count))
    difference[np.arange(len(first)), first] = 1.0
    difference[np.arange(len(first)), second] = -1.0
    slopes = np.vstack([difference, -difference])
    constraints = np.hstack([-slopes, np.tile(gaps, 2)[:, None]])

    def cost(variables: np.ndarray) -> float:
        f, k = variables[:-1], variables[-1]
        return float(fake @ function(f) + real @ function(-f) + weight * k * k)

    def gradient(variables: np.ndarray) -> np.ndarray:
        f, k = variables[:-1], variables[-1]
        return np.append(fake * derivative(f) - real * derivative(-f), 2 * weight * k)

    start = np.append(np.linspace(-1.0, 1.0, count), 1.0 + 2.0 / gaps.min())  # Feasible.
    result = optimize.minimize(
        cost,
        start,
        jac=gradient,
        method="SLSQP",
        constraints={
            "type": "ineq",
            "fun": lambda variables: constraints @ variables,
            "jac": lambda variables: constraints,
        },
        options={"ftol": 1e-15, "maxiter": 500},
    )
    return result.x[:-1], float(result.x[-1])


def tightness(points: np.ndarray, critic: np.ndarray) -> np.ndarray:
    """Computes each point's steepest slope to another, `max_j |f_i - f_j| / ||x_i - x_j||`.

    Args:
        points: float array `[n, d]`.
        critic: float array `[n]`, f.

    Returns:
        float array `[n]`.
    """
    gaps = distance.squareform(distance.pdist(points))
    np.fill_diagonal(gaps, np.inf)
    return (np.abs(critic[:, None] - critic[None, :]) / gaps).max(axis=1)
