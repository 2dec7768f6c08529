"""The figures of docs/theory.md: exact curves, and points from trained critics."""

import dataclasses
from collections.abc import Callable

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.theory.critics import (
    FixedPoints,
    gradients_at,
    make_critic,
    scores_at,
    train_critic,
)
from benchmarks.theory.least_squares import (
    cost_by_identity,
    generator_cost,
    symmetric_chi_square,
)
from benchmarks.theory.lipschitz import PHI, optimal_critic, two_diracs
from benchmarks.theory.loss_sensitive import Problem
from training.data.toys import Mixture
from zoo.models import (
    AdversarialModel,
    LeastSquares,
    LeastSquaresGAN,
    Lipschitz,
    LipschitzGAN,
    LossSensitive,
    LossSensitiveGAN,
)
from zoo.models.least_squares import SCHEMES
from zoo.penalties import make_penalty

REAL, FAKE = "tab:blue", "tab:red"


def lsgan_identity() -> Figure:
    """2C(G) against chi-square, for both schemes: the identity, and trained critics."""
    figure, axes = plt.subplots(figsize=(5.5, 4))
    support = np.linspace(-1.0, 1.0, 4)[:, None]
    real = np.array([8, 8, 0, 0]) / 16
    for scheme in ("pearson", "binary"):
        a, b, c = SCHEMES[scheme]
        line = np.linspace(0.0, 2.0, 50)
        exact = cost_by_identity(line, fake_target=a, real_target=b, generator_target=c)
        (drawn,) = axes.plot(line, exact, label=scheme)
        for moved in range(0, 9, 2):
            fake = np.array([8 - moved, 8 - moved, moved, moved]) / 16
            rows = [np.repeat(support, (16 * p).astype(int), axis=0) for p in (real, fake)]
            keras.utils.set_random_seed(0)
            model = LeastSquaresGAN(
                FixedPoints(rows[1]),
                make_critic(1),
                LeastSquares(scheme=scheme),
            )
            train_critic(model, rows[0], steps=800, learning_rate=1e-2)
            used = real + fake > 0
            cost = generator_cost(
                scores_at(model, support)[used], real[used], fake[used], generator_target=c
            )
            chi_square = symmetric_chi_square(real[used], fake[used])
            axes.plot(chi_square, cost, "o", color=drawn.get_color())
    axes.set(xlabel="chi-square of the densities", ylabel="2C(G)", title="LSGAN: lines exact")
    axes.legend(title="targets (dots: trained MLP)")
    return figure


def ls_gan_threshold() -> Figure:
    """What some L gains over L = 0, against the largest ratio of P_G to P_data."""
    figure, axes = plt.subplots(figsize=(5.5, 4))
    random = np.random.default_rng(0)
    density, points = random.dirichlet(np.ones(8)), random.uniform(-1, 1, (8, 2))
    point = int(np.argmin(density))
    ratios = np.linspace(1.0, 2.5, 31)
    for hinge_weight in (1.0, 2.0, 5.0):
        gains = []
        for ratio in ratios:
            fake = density * (1 - ratio * density[point]) / (1 - density[point])
            fake[point] = ratio * density[point]
            exact = Problem(points, density, fake, hinge_weight)
            gains.append(hinge_weight * exact.mean_margin() - exact.objective(exact.solve()))
        (drawn,) = axes.plot(ratios, gains, label=f"lambda = {hinge_weight:g}")
        axes.axvline((1 + hinge_weight) / hinge_weight, color=drawn.get_color(), linestyle=":")
    axes.set(xlabel="largest P_G / P_data", ylabel="lambda E[Delta] - S*")
    axes.set_title("LS-GAN: when L = 0 stops being optimal (dotted: 1 + 1/lambda)")
    axes.legend()
    return figure


def ls_gan_cones() -> Figure:
    """A trained Lipschitz critic between the smallest and largest optimal L through its values."""
    real = np.array([[-1.0], [0.2], [1.1], [0.5]])
    fake = np.array([[-0.3], [0.45], [2.0], [1.4]])
    both = np.vstack([real, fake])
    weights = np.repeat([0.25, 0.0], 4)
    exact = Problem(0.5 * both, weights, weights[::-1], lipschitz=2.0, first_term_weight=0.0)
    keras.utils.set_random_seed(0)
    model = LossSensitiveGAN(
        FixedPoints(fake),
        make_critic(1),
        LossSensitive(margin_scale=0.5, pairs="all"),
        penalty=make_penalty("max_lp", {"weight": 10.0}),
    )
    train_critic(model, real, steps=2000, learning_rate=1e-2, shuffle=True)
    at = np.linspace(-1.0, 2.2, 400)[:, None]
    losses = scores_at(model, both)
    lower, upper = exact.cones(losses - losses.min(), 0.5 * at)
    figure, axes = plt.subplots(figsize=(6, 4))
    axes.fill_between(at[:, 0], lower, upper, alpha=0.2, label="between the cones")
    axes.plot(at, scores_at(model, at) - losses.min(), "k", label="trained critic L")
    axes.plot(real, losses[:4] - losses.min(), "o", color=REAL, label="real")
    axes.plot(fake, losses[4:] - losses.min(), "o", color=FAKE, label="fake")
    trained, optimum = exact.objective(losses), exact.objective(exact.solve())
    axes.set(xlabel="x", ylabel="L(x)", title=f"LS-GAN: S = {trained:.4f}, optimal {optimum:.4f}")
    axes.legend()
    return figure


def lgan_constants() -> Figure:
    """Two point masses: k against lambda, exact and trained; k where P_g nears P_r."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    lambdas = np.geomspace(0.02, 2.0, 60)
    for phi in PHI:
        exact = [two_diracs(phi, gap=2.0, weight=weight) for weight in lambdas]
        (drawn,) = left.loglog(lambdas, exact, label=phi)
        for weight in (0.05, 0.2, 1.0):
            left.loglog(weight, _trained_constant(phi, weight), "o", color=drawn.get_color())
    left.set(xlabel="lambda", ylabel="k", title="LGAN, two points 2 apart (dots: trained MLP)")
    left.legend()
    random = np.random.default_rng(1)
    points = random.normal(size=(7, 2))
    real = np.array([0.3, 0.2, 0.2, 0.0, 0.0, 0.0, 0.3])
    fake = np.array([0.0, 0.0, 0.0, 0.4, 0.3, 0.2, 0.1])
    shares = np.linspace(0.0, 1.0, 21)
    for phi in ("softplus", "exp", "sqrt"):
        constants = [
            optimal_critic(points, real, (1 - t) * fake + t * real, phi=phi, weight=0.1)[1]
            for t in shares
        ]
        right.plot(shares, constants, label=phi)
    right.set(xlabel="share of P_r in P_g", ylabel="k", title="LGAN: k goes to 0 at P_g = P_r")
    right.legend()
    return figure


def _trained_constant(phi: str, weight: float) -> float:
    fake = np.tile([[-1.0, 0.0]], (32, 1))
    keras.utils.set_random_seed(0)
    penalty = make_penalty("max_gp", {"weight": weight})
    model = LipschitzGAN(
        FixedPoints(fake), make_critic(2, units=32), Lipschitz(phi=phi), penalty=penalty
    )
    train_critic(model, -fake, steps=1000, learning_rate=1e-2)
    ends = scores_at(model, np.array([[-1.0, 0.0], [1.0, 0.0]]))
    return float(ends[1] - ends[0]) / 2.0


@dataclasses.dataclass(frozen=True)
class _Panel:
    """One critic of the gradient-field figure."""

    title: str
    make: Callable[[FixedPoints], AdversarialModel]


def _lgan(phi: str) -> _Panel:
    def make(fake: FixedPoints) -> AdversarialModel:
        penalty = make_penalty("max_gp", {"weight": 0.1, "buffer": 32})
        critic = make_critic(2, units=256, depth=4)
        return LipschitzGAN(fake, critic, Lipschitz(phi=phi), penalty=penalty)

    return _Panel(f"LGAN, {phi}", make)


def gradient_field(steps: int = 1500) -> Figure:
    """The critic's gradient at fake points: LGAN's lead to the real clusters, LSGAN's do not.

    P_g = N((-0.75, 0), 0.15^2), P_r = 1/2 N((1, 0), 0.15^2) + 1/2 N((-1.25, 0), 0.15^2), as in
    figure 2 of arXiv 1902.05687; MLP of 4 x 256 ReLU (the paper's: 4 x 1024).
    """
    fake, _ = Mixture(np.array([[-0.75, 0.0]]), 0.15).sample(256, seed=0)
    real, _ = Mixture(np.array([[1.0, 0.0], [-1.25, 0.0]]), 0.15).sample(256, seed=1)
    panels = [
        _Panel("LSGAN, no Lipschitz term", lambda g: LeastSquaresGAN(g, make_critic(2, units=256))),
        *(_lgan(phi) for phi in ("linear", "softplus", "sqrt", "exp")),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(4 * len(panels), 3.2), sharey=True)
    for axis, panel in zip(axes, panels, strict=True):
        keras.utils.set_random_seed(0)
        model = panel.make(FixedPoints(fake))
        train_critic(model, real, steps=steps, learning_rate=1e-3, shuffle=True)
        _draw_field(axis, model, real, fake[::4])
        axis.set_title(panel.title)
    figure.tight_layout()
    return figure


def _draw_field(axis: Axes, model: AdversarialModel, real: np.ndarray, fake: np.ndarray) -> None:
    ticks = np.meshgrid(np.linspace(-2.0, 1.7, 80), np.linspace(-0.8, 0.8, 40))
    plane = np.stack([tick.ravel() for tick in ticks], axis=1)
    scores = scores_at(model, plane).reshape(ticks[0].shape)
    axis.contourf(*ticks, scores, levels=20, cmap="Greys", alpha=0.6)
    axis.plot(*real.T, ".", color=REAL, markersize=2)
    axis.plot(*fake.T, ".", color=FAKE, markersize=2)
    gradients = gradients_at(model, fake)
    length = np.linalg.norm(gradients, axis=1).mean()
    axis.quiver(*fake.T, *gradients.T, color=FAKE, angles="xy", scale=12 * max(length, 0.05))
    axis.set_xlabel(f"mean gradient norm at fakes {length:.2f}")


FIGURES: dict[str, Callable[[], Figure]] = {
    "lsgan_identity": lsgan_identity,
    "ls_gan_threshold": ls_gan_threshold,
    "ls_gan_cones": ls_gan_cones,
    "lgan_constants": lgan_constants,
    "gradient_field": gradient_field,
}
