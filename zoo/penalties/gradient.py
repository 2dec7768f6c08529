"""Penalties on the mean gradient norm of the critic: GP, LP, CP, DRAGAN, R1, R2 and others.

The gradient is taken with respect to each image. Its norm is over all pixels and channels, unless a
class states otherwise.
"""

from typing import Literal

import tensorflow as tf

from zoo.gradients import input_gradient, norm_per_sample
from zoo.options import NotNegative, Positive, checked
from zoo.penalties.penalty import Penalised, Penalty, Score
from zoo.randomness import Noise


def squared(norm: tf.Tensor) -> tf.Tensor:
    """Computes `s^2`, which is smallest for a norm of zero."""
    return tf.square(norm)


def two_sided(norm: tf.Tensor) -> tf.Tensor:
    """Computes `(s - 1)^2`, which is smallest for a norm of one."""
    return tf.square(norm - 1.0)


def one_sided(norm: tf.Tensor) -> tf.Tensor:
    """Computes `max(0, s - 1)^2`, which is zero for norms up to one."""
    return tf.square(tf.nn.relu(norm - 1.0))


def broadcast_rows(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Reshapes `[b]` to `[b, 1, ...]` so that it broadcasts against `like`."""
    return tf.reshape(values, [-1] + [1] * (like.shape.rank - 1))


def interpolates(real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
    """Draws one point between each real and fake image: `u x + (1 - u) g` with `u ~ U[0, 1)`.

    Args:
        real: x, float32 tensor `[b, ...]`.
        fake: g, float32 tensor of the same shape.
        noise: noise of the b rows.

    Returns:
        float32 tensor of the same shape.
    """
    u = broadcast_rows(noise.child("interpolate").uniform(), real)
    return u * real + (1.0 - u) * fake


class GradientNormPenalty(Penalty):
    """Base class of `weight * mean_i h(s_i)` with `s_i = || grad c(v_i) ||_2` at points v_i.

    A subclass defines h in `penalty_of_norm`. It may override `points` and `norms`.

    Args:
        weight: float >= 0.
    """

    logged: tuple[str, ...] = ("penalty", "gradient_norm")
    is_proportional = True
    is_skippable = True

    def points(self, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Returns the points v `[b, ...]`; by default interpolates of real and fake images."""
        return interpolates(real, fake, noise)

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes h(s) for norms of any shape."""
        raise NotImplementedError

    def norms(self, gradient: tf.Tensor) -> tf.Tensor:
        """Computes s: `[b]`, or `[b, n]` for n norms per sample."""
        return norm_per_sample(gradient)

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        norms = self.norms(input_gradient(score, self.points(real, fake, noise)))
        values, norms = (
            v if v.shape.rank == 1 else tf.reduce_mean(v, axis=1)
            for v in (self.weight * self.penalty_of_norm(norms), norms)
        )
        return Penalised({"penalty": values}, {"gradient_norm": norms}, {})


class GradientPenalty(GradientNormPenalty):
    """GP, the penalty of WGAN-GP: `weight * E[(|| grad c(xhat) ||_2 - 1)^2]` at interpolates xhat.

    Args:
        weight: float >= 0.

    Source: Gulrajani et al., arXiv 1704.00028, equation 3; igul222/improved_wgan_training.
    """

    @checked
    def __init__(self, weight: NotNegative = 10.0, *, name: str | None = None):
        super().__init__(weight, name=name)

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `(s - 1)^2`."""
        return two_sided(norm)


class LipschitzPenalty(GradientNormPenalty):
    """LP, the one-sided GP: `weight * E[max(0, || grad c(xhat) ||_2 - 1)^2]` at interpolates xhat.

    Args:
        weight: float >= 0. The default is this project's choice and equals `GradientPenalty`'s.

    Source: Petzka et al., arXiv 1709.08894; mode `lp` of sobolev_cifar10.py in
    ZhimingZhou/LGANs-for-reproduce.
    """

    @checked
    def __init__(self, weight: NotNegative = 10.0, *, name: str | None = None):
        super().__init__(weight, name=name)

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `max(0, s - 1)^2`."""
        return one_sided(norm)


class CentredPenalty(GradientNormPenalty):
    """CP, MaxGP with a mean for the maximum: `weight * E[|| grad c(xhat) ||_2^2]` at interpolates.

    Args:
        weight: float >= 0.

    Source: mode `cp` of sobolev_cifar10.py in ZhimingZhou/LGANs-for-reproduce.
    """

    @checked
    def __init__(self, weight: NotNegative = 0.1, *, name: str | None = None):
        super().__init__(weight, name=name)

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `s^2`."""
        return squared(norm)


class DRAGANPenalty(GradientPenalty):
    """DRAGAN: `weight * E[(|| grad c(v) ||_2 - 1)^2]` at points v near real images.

    `v = x + u (x_noisy - x)` with `x_noisy = x + noise_scale * U[0, 1)^shape` and u ~ U[0, 1).

    Args:
        weight: float >= 0.
        noise_scale: float > 0, in the units of images in [-1, 1]. The released LSGAN-GP uses 30
            (with weight 150 and a loss that is summed over 64 images). Both defaults are this
            project's choice.

    Raises:
        ValueError: an argument outside its range.

    Source: Kodali et al., arXiv 1705.07215; the formula follows xudonmao/improved_LSGAN.
    """

    @checked
    def __init__(
        self, weight: NotNegative = 10.0, *, noise_scale: Positive = 0.5, name: str | None = None
    ):
        super().__init__(weight, name=name)
        self.noise_scale = noise_scale

    def points(self, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Returns the points v near the real images."""
        offset = self.noise_scale * noise.child("perturbation").uniform(*real.shape[1:])
        return real + broadcast_rows(noise.child("interpolate").uniform(), real) * offset


class RealCentredPenalty(CentredPenalty):
    """R1: `weight / 2 * E[|| grad c(x) ||_2^2]` at real images.

    Args:
        weight: float >= 0, gamma; the default is this project's choice.

    Source: Mescheder et al., arXiv 1801.04406, equation 9.
    """

    @checked
    def __init__(self, weight: NotNegative = 10.0, *, name: str | None = None):
        super().__init__(weight, name=name)

    def points(self, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Returns the real images."""
        return real

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `s^2 / 2`."""
        return 0.5 * squared(norm)


class FakeCentredPenalty(RealCentredPenalty):
    """R2: `weight / 2 * E[|| grad c(g) ||_2^2]` at fake images.

    Args:
        weight: float >= 0, gamma; the default is this project's choice.

    Source: Mescheder et al., arXiv 1801.04406, equation 9 on the generator's distribution.
    """

    def points(self, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Returns the fake images."""
        return fake


class BothCentredPenalty(RealCentredPenalty):
    """R1 + R2: `weight / 2 * (E[|| grad c(x) ||_2^2] + E[|| grad c(g) ||_2^2])`.

    Args:
        weight: float >= 0, gamma; the default is this project's choice.

    Source: Huang et al., arXiv 2501.05441; Trainer.py of brownvc/R3GAN.
    """

    logged = (*RealCentredPenalty.logged, "gradient_norm_fake")

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        at_real = super().terms(score, real, fake, noise, global_batch)
        at_fake = super().terms(score, fake, real, noise, global_batch)
        logs = at_real.logs | {"gradient_norm_fake": at_fake.logs["gradient_norm"]}
        return Penalised({"penalty": at_real.terms["penalty"] + at_fake.terms["penalty"]}, logs, {})


class DirectPenalty(GradientNormPenalty):
    """Direct penalty of LS-GAN: `weight * E[|| grad L(x) ||_2^p]` at real images.

    Args:
        weight: float >= 0.
        power: 1 or 2, p.

    Raises:
        ValueError: an argument outside its range.

    Source: maple-research-lab/glsgan-gp. Its norm is that of `PerPixelPenalty`; the norm over the
    whole image is this project's choice.
    """

    @checked
    def __init__(
        self, weight: NotNegative = 10.0, *, power: Literal[1, 2] = 2, name: str | None = None
    ):
        super().__init__(weight, name=name)
        self.power = power

    def points(self, real: tf.Tensor, fake: tf.Tensor, noise: Noise) -> tf.Tensor:
        """Returns the real images."""
        return real

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `s^p`."""
        return norm if self.power == 1 else squared(norm)


class PerPixelPenalty(DirectPenalty):
    """Penalty of the released LS-GAN-GP: `weight * mean over images and pixels of || grad L(x) ||`.

    The norm is over the channels of one pixel. Thus the same weight has a much weaker effect than
    in `DirectPenalty`.

    Args:
        weight: float >= 0.

    Source: lsgan-gp.py of maple-research-lab/glsgan-gp.
    """

    @checked
    def __init__(self, weight: NotNegative = 10.0, *, name: str | None = None):
        super().__init__(weight, power=1, name=name)

    def norms(self, gradient: tf.Tensor) -> tf.Tensor:
        """Computes one norm per pixel: `[b, pixels]`."""
        channels = gradient.shape[-1]
        per_pixel = norm_per_sample(tf.reshape(gradient, [-1, channels]))
        pixels = gradient.shape[1:].num_elements() // channels
        return tf.reshape(per_pixel, [-1, pixels])
