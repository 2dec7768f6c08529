"""LSGAN: the least squares GAN (not the loss-sensitive LS-GAN, which is another paper)."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Self

import tensorflow as tf
from keras import ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective

SCHEMES = {"pearson": (-1.0, 1.0, 0.0), "binary": (0.0, 1.0, 1.0)}
"""(a, b, c) by name: `pearson` has b - c = 1 and b - a = 2; `binary` is the 0-1 coding."""

TARGETS = ("fake_target", "real_target", "generator_target")


def squared_distance(scores: tf.Tensor, target: float) -> tf.Tensor:
    """Computes `1/2 (c - target)^2` per sample.

    Args:
        scores: float tensor `[B]`, c.
        target: float.

    Returns:
        float32 tensor `[B]`.

    Example:
    >>> squared_distance(tf.constant([0.0, 3.0]), 1.0).numpy()
    array([0.5, 2. ], dtype=float32)
    """
    return 0.5 * ops.square(ops.cast(scores, "float32") - target)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeastSquares(Objective):
    """Squared distances of scores from targets: a for fake, b for real, c for the generator.

    Critic `1/2 (D(x) - b)^2 + 1/2 (D(g) - a)^2`. Generator `1/2 (D(g) - c)^2`. The score is linear,
    without a sigmoid. A high score means real if b > a, as in both schemes, and fake otherwise; the
    logged `gap` is `D(x) - D(g)` in the first case and `D(g) - D(x)` in the second.

    Source: Mao et al., arXiv 1611.04076, equation 2; the schemes are equations 8 and 9.
    """

    scheme: Literal["pearson", "binary", "free"] = "pearson"
    """Targets (a, b, c): pearson is (-1, 1, 0), binary is (0, 1, 1), free takes the three below."""
    fake_target: float | None = None
    """Target a of fake images; with `scheme` free only."""
    real_target: float | None = None
    """Target b of real images, different from a; with `scheme` free only."""
    generator_target: float | None = None
    """Target c of the generator; with `scheme` free only."""

    def check(self) -> None:
        super().check()
        for name in TARGETS:
            given = getattr(self, name)
            if self.scheme != "free" and given is not None:
                raise ValueError(
                    f"`{name}` {given} contradicts `scheme` {self.scheme}: use the targets of the "
                    "scheme, or `scheme` free with all three targets."
                )
            if self.scheme == "free" and given is None:
                raise ValueError(f"`scheme` free needs `{name}` too.")
        if self.scheme == "free" and self.fake_target == self.real_target:
            raise ValueError(
                f"`fake_target` and `real_target` must differ, both are {self.real_target}."
            )

    @property
    def targets(self) -> tuple[float, float, float]:
        """The targets (a, b, c)."""
        if self.scheme == "free":
            return tuple(getattr(self, name) for name in TARGETS)
        return SCHEMES[self.scheme]

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        fake_target, real_target, _ = self.targets
        return {
            "critic_loss_real": squared_distance(real.scores, real_target),
            "critic_loss_fake": squared_distance(fake.scores, fake_target),
        }

    def diagnostics(self, real: Examples, fake: Examples) -> Losses:
        values = super().diagnostics(real, fake)
        fake_target, real_target, _ = self.targets
        return values if real_target > fake_target else values | {"gap": -values["gap"]}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": squared_distance(fake.scores, self.targets[2])}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Creates the objective; presets of before November 2026 hold the targets alone."""
        return cls(**{"scheme": "free", **config})


class LeastSquaresGAN(AdversarialModel):
    """LSGAN, with the objective `LeastSquares`."""

    objective_class = LeastSquares
    summary = "least squares (Mao et al., 2017)"
    paper = "Mao et al., Least Squares Generative Adversarial Networks (arXiv 1611.04076)"
