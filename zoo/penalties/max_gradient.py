"""Penalties on the *largest* gradient norm of the global batch: MaxGP, its variants, and MaxAL."""

from typing import Literal

import keras
import tensorflow as tf

from zoo.gradients import gather, global_sum, input_gradient, norm_per_sample
from zoo.options import NotNegative, NotNegativeCount, Positive, checked
from zoo.penalties.gradient import broadcast_rows, interpolates, one_sided, squared, two_sided
from zoo.penalties.penalty import Penalised, Penalty, Score
from zoo.randomness import Noise

BufferMode = Literal["append", "replace"]


class MaxGradientPenalty(Penalty):
    """MaxGP: `weight * (max_i || grad c(xhat_i) ||_2)^2` over the interpolates of the global batch.

    The maximum estimates the critic's Lipschitz constant k(c). Only the samples with the largest
    norm have a non-zero term. Each of their terms is scaled so that the mean over the global batch
    equals the penalty.

    A buffer stores the K points of largest norm for the next critic step. There they are added to
    the batch's points (`append`) or replace its first K (`replace`). In the second case K must be
    smaller than the batch, since otherwise no new point would ever enter the buffer.

    Args:
        weight: float >= 0; lambda in the paper.
        buffer: int >= 0, K; 0 for no buffer.
        buffer_mode: `"append"` or `"replace"`.

    Raises:
        ValueError: an argument outside its range.

    Source: Zhou et al., arXiv 1902.05687 and 1904.01184; sobolev_cifar10.py (0.1, no buffer) and
    gan_synthetic4.py (replacing buffer of an eighth of the batch) in
    ZhimingZhou/LGANs-for-reproduce.
    """

    logged: tuple[str, ...] = ("penalty", "max_gradient_norm")
    is_proportional = True

    @checked
    def __init__(
        self,
        weight: NotNegative = 0.1,
        *,
        buffer: NotNegativeCount = 0,
        buffer_mode: BufferMode = "replace",
        name: str | None = None,
    ):
        super().__init__(weight, name=name)
        self.buffer = buffer
        self.buffer_mode = buffer_mode

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `weight * s^2`."""
        return self.weight * squared(norm)

    def prepare(self, critic: keras.Model) -> None:
        """Checks the critic, and creates the buffer for its images; see `Penalty.prepare`."""
        super().prepare(critic)
        if not self.buffer:
            return
        if getattr(critic, "takes_labels", False):
            raise ValueError(
                "The buffer of MaxGP stores images without their labels, and this critic takes "
                "labels. Use buffer 0."
            )
        self.kept = self.add_weight(
            (self.buffer, *critic.image_shape), "zeros", trainable=False, name="kept"
        )
        # A negative norm marks an empty row of the buffer.
        self.kept_norms = self.add_weight(
            (self.buffer,), keras.initializers.Constant(-1.0), trainable=False, name="kept_norms"
        )

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        points = interpolates(real, fake, noise)
        if self._replaces:
            points = self._with_buffer(points, noise.index)
        norms = norm_per_sample(input_gradient(score, points))
        found = {"points": points, "norms": norms}
        kept_norms = self._buffer_norms(score) if self._appends else norms[:0]
        if self._appends:
            found["kept_norms"] = kept_norms
        largest = tf.reduce_max(tf.stop_gradient(tf.concat([norms, kept_norms], axis=0)))
        largest = tf.reduce_max(gather(largest[None]))
        own, kept = (tf.cast(values == largest, tf.float32) for values in (norms, kept_norms))
        # Each replica computes all buffered points; a replica without rows has no term for them.
        kept *= tf.cast(tf.size(norms) > 0, tf.float32)
        scale = global_batch / global_sum(tf.reduce_sum(own) + tf.reduce_sum(kept))
        values = scale * own * self.penalty_of_norm(norms)
        extra = tf.reduce_sum(scale * kept * self.penalty_of_norm(kept_norms))
        values += extra / tf.cast(tf.maximum(tf.size(norms), 1), tf.float32)
        logs = {"max_gradient_norm": tf.fill(tf.shape(norms), largest)}
        return Penalised({"penalty": values}, logs, found | {"largest": largest})

    @property
    def _appends(self) -> bool:
        return self.buffer > 0 and self.buffer_mode == "append"

    @property
    def _replaces(self) -> bool:
        return self.buffer > 0 and self.buffer_mode == "replace"

    def check_batch(self, size: int) -> None:
        """Refuses a buffer that replaces all points of a batch; see `Penalty.check_batch`."""
        if self._replaces and self.buffer >= size:
            raise ValueError(
                f"A buffer of {self.buffer} points would replace all {size} points of a critic "
                "step, so it would never change: `buffer` must be smaller than the batch of a "
                "critic step, or give `buffer_mode` 'append'."
            )

    def _with_buffer(self, points: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Replaces the first K rows of the global batch by the buffer's points."""
        place = tf.minimum(index, self.buffer - 1)
        norms = tf.gather(tf.convert_to_tensor(self.kept_norms), place)
        use = (index < self.buffer) & (norms >= 0.0)
        return tf.where(
            broadcast_rows(use, points), tf.gather(tf.convert_to_tensor(self.kept), place), points
        )

    def _buffer_norms(self, score: Score) -> tf.Tensor:
        norms = norm_per_sample(input_gradient(score, tf.convert_to_tensor(self.kept)))
        return tf.where(tf.convert_to_tensor(self.kept_norms) >= 0.0, norms, -1.0)

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Stores the points of largest norm in the buffer, identically on every replica."""
        if not self.buffer:
            return
        points, norms = (
            gather(rows) for rows in _largest_norms(found["points"], found["norms"], self.buffer)
        )
        if self._appends:
            points = tf.concat([points, tf.convert_to_tensor(self.kept)], axis=0)
            norms = tf.concat([norms, found["kept_norms"]], axis=0)
        points, norms = _largest_norms(points, norms, self.buffer)
        self.kept.assign(points)
        self.kept_norms.assign(norms)


def _largest_norms(points: tf.Tensor, norms: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the `count` points of largest norm and their norms; missing points have norm -1."""
    filler = [[0, count]] + [[0, 0]] * (points.shape.rank - 1)
    norms = tf.pad(norms, [[0, count]], constant_values=-1.0)
    norms, chosen = tf.math.top_k(norms, count)
    return tf.gather(tf.pad(points, filler), chosen), norms


class MaxGradientPenaltyToOne(MaxGradientPenalty):
    """MaxGP-gp: `weight * (max_i s_i - 1)^2`, an ablation of MaxGP with target norm one.

    Args:
        weight: float >= 0.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Source: Zhou et al., arXiv 1904.01184; mode `gp` of sobolev_cifar10.py, with the maximum.
    """

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `weight * (s - 1)^2`."""
        return self.weight * two_sided(norm)


class MaxLipschitzPenalty(MaxGradientPenalty):
    """MaxGP-lp: `weight * max(0, max_i s_i - 1)^2`, a one-sided ablation of MaxGP.

    Args:
        weight: float >= 0.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Source: mode `lp` of sobolev_cifar10.py, with the maximum.
    """

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `weight * max(0, s - 1)^2`."""
        return self.weight * one_sided(norm)


class MaxAugmentedLagrangian(MaxGradientPenalty):
    """MaxAL: an augmented Lagrangian for the constraint `h = 0` with `h = max_i s_i - 1`.

    The loss is `weight * h^2 + mu * h`, and `mu <- mu + multiplier_rate * h` after each critic
    step. With `inequality` the constraint is `h <= 0`: the loss is constant in h for
    `mu + 2 weight h <= 0`, and mu is clipped at 0.

    Args:
        weight: float > 0, rho.
        multiplier_rate: float >= 0. The released code has 1e-3, with 2 * rho as an alternative.
        inequality: bool, whether norms below one are allowed.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Raises:
        ValueError: an argument outside its range.

    Source: Zhou et al., arXiv 1904.01184; ZhimingZhou/MaxGP-MaxAL-for-reproduce. The inequality has
    the standard form of the augmented Lagrangian; the released code only clips mu at 0.
    """

    logged = (*MaxGradientPenalty.logged, "multiplier")
    is_proportional = False

    @checked
    def __init__(
        self,
        weight: Positive = 1.0,
        *,
        multiplier_rate: NotNegative = 1e-3,
        inequality: bool = False,
        buffer: NotNegativeCount = 0,
        buffer_mode: BufferMode = "replace",
        name: str | None = None,
    ):
        super().__init__(weight, buffer=buffer, buffer_mode=buffer_mode, name=name)
        self.multiplier_rate = multiplier_rate
        self.inequality = inequality
        self.multiplier = self.add_weight((), "zeros", trainable=False, name="multiplier")

    def penalty_of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `rho h^2 + mu h`, or the form for the inequality."""
        excess = norm - 1.0
        multiplier = tf.convert_to_tensor(self.multiplier)
        value = self.weight * tf.square(excess) + multiplier * excess
        if not self.inequality:
            return value
        active = multiplier + 2.0 * self.weight * excess > 0.0
        return tf.where(active, value, -tf.square(multiplier) / (4.0 * self.weight))

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        result = super().terms(score, real, fake, noise, global_batch)
        multiplier = tf.fill([tf.size(noise.index)], tf.convert_to_tensor(self.multiplier))
        return result._replace(logs=result.logs | {"multiplier": multiplier})

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Updates the multiplier and the buffer."""
        super().after_step(critic, found)
        moved = self.multiplier + self.multiplier_rate * (found["largest"] - 1.0)
        self.multiplier.assign(tf.maximum(moved, 0.0) if self.inequality else moved)
