"""LS-GAN without parameters: its linear programme over a finite support, and the cone bounds.

Source: Qi, arXiv 1701.06264v3, theorem 2 and its corollaries.
"""

import dataclasses

import numpy as np
from scipy import optimize, sparse
from scipy.spatial import distance


@dataclasses.dataclass(frozen=True)
class Problem:
    """A finite support with the metric Delta, both distributions, lambda and kappa.

    Args:
        points: float array `[n, d]`; Delta is the L1 distance.
        real: float array `[n]`, P_data.
        fake: float array `[n]`, P_G.
        hinge_weight: float > 0, the paper's lambda.
        lipschitz: float > 0, the paper's kappa, with respect to Delta.
        first_term_weight: float >= 0, of E_d[L]: 1 in the paper; 0 is its limit lambda -> infinity.
    """

    points: np.ndarray
    real: np.ndarray
    fake: np.ndarray
    hinge_weight: float = 1.0
    lipschitz: float = 1.0
    first_term_weight: float = 1.0

    def distances(self, other: np.ndarray | None = None) -> np.ndarray:
        """Computes Delta of the support to other points (or itself): `[m, n]`."""
        return distance.cdist(self.points if other is None else other, self.points, "cityblock")

    def objective(self, losses: np.ndarray) -> float:
        """Computes `S = E_d[L] + lambda E[(Delta(x, g) + L(x) - L(g))_+]` over all pairs.

        Args:
            losses: float array `[n]`, L at the support.
        """
        argument = self.distances() + losses[:, None] - losses[None, :]
        hinges = self.real @ np.maximum(argument, 0.0) @ self.fake
        return float(self.first_term_weight * self.real @ losses + self.hinge_weight * hinges)

    def mean_margin(self) -> float:
        """Computes `E[Delta]` over independent real and fake points."""
        return float(self.real @ self.distances() @ self.fake)

    def solve(self) -> np.ndarray:
        """Returns L at the support that minimises S under `L >= 0` and the Lipschitz constraint.

        Variables are the losses l and a slack `xi_ij >= Delta_ij + l_i - l_j` for each pair of a
        point with real and one with fake weight.
        """
        margins, count = self.distances(), len(self.points)
        every = [(i, j) for i in range(count) for j in range(count) if i != j]
        pairs = [(i, j) for i, j in every if self.real[i] > 0 and self.fake[j] > 0]
        slack_cost = [self.hinge_weight * self.real[i] * self.fake[j] for i, j in pairs]
        cost = np.concatenate([self.first_term_weight * self.real, slack_cost])
        slack = _differences(pairs, count)
        slack = sparse.hstack([slack, -sparse.identity(len(pairs))])
        smooth = sparse.hstack(
            [_differences(every, count), sparse.csr_matrix((len(every), len(pairs)))]
        )
        limits = [-margins[i, j] for i, j in pairs]
        limits += [self.lipschitz * margins[i, j] for i, j in every]
        result = optimize.linprog(cost, A_ub=sparse.vstack([slack, smooth]), b_ub=limits)
        if not result.success:
            raise RuntimeError(f"The linear programme was not solved: {result.message}")
        return result.x[:count]

    def cones(self, losses: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Computes the smallest and the largest optimal L at other points.

        `max_i (l_i - kappa Delta(x, x_i))_+` and `min_i (l_i + kappa Delta(x, x_i))`.

        Args:
            losses: float array `[n]`, l, optimal at the support.
            at: float array `[m, d]`, x.

        Returns:
            Two float arrays `[m]`.
        """
        reach = self.lipschitz * self.distances(at)
        lower = np.maximum((losses - reach).max(axis=1), 0.0)
        return lower, (losses + reach).min(axis=1)


def _differences(pairs: list[tuple[int, int]], count: int) -> sparse.csr_matrix:
    """The matrix whose row for (i, j) gives `l_i - l_j`."""
    rows = np.repeat(np.arange(len(pairs)), 2)
    values = np.tile([1.0, -1.0], len(pairs))
    return sparse.csr_matrix((values, (rows, np.ravel(pairs))), shape=(len(pairs), count))
