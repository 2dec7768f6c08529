"""Penalties on the *largest* gradient norm of the global batch: MaxGP, its ablations, MaxAL."""

import keras
import tensorflow as tf

from zoo.gradients import gather, global_sum, input_gradient, norm_per_sample
from zoo.penalties.gradient import interpolates, one_sided, rows_of, squared, two_sided
from zoo.penalties.penalty import Penalised, Penalty, Score
from zoo.randomness import Noise

BUFFER_MODES = ("append", "replace")


class MaxGradientPenalty(Penalty):
    """MaxGP: `weight * (max_i || grad c(xhat_i) ||_2)^2` over the interpolates of the global batch.

    An estimate of k(c)^2, pulled to zero. The replica that has the largest norm alone adds to the
    loss, by the batch's size, so that the global mean of the terms is the penalty; where several
    points have it they share.

    With a buffer the K points of largest norm stay for the next critic step, where they stand
    beside (`append`) the batch's points or for its first K (`replace`).

    Args:
        weight: float >= 0; the paper's lambda.
        buffer: int >= 0, K; 0 for none.
        buffer_mode: `"append"` or `"replace"`.

    Source: Zhou et al., arXiv 1902.05687 and 1904.01184; sobolev_cifar10.py (0.1, no buffer) and
    gan_synthetic4.py (buffer of an eighth of the batch, replacing) in
    ZhimingZhou/LGANs-for-reproduce.
    """

    def __init__(
        self,
        weight: float = 0.1,
        *,
        buffer: int = 0,
        buffer_mode: str = "replace",
        name: str | None = None,
    ):
        super().__init__(weight, name=name)
        if buffer < 0:
            raise ValueError(f"`buffer` must not be negative, received {buffer}.")
        if buffer_mode not in BUFFER_MODES:
            raise ValueError(f"`buffer_mode` must be one of {BUFFER_MODES}, got {buffer_mode!r}.")
        self.buffer = buffer
        self.buffer_mode = buffer_mode

    def of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes h(s), weight included."""
        return self.weight * squared(norm)

    def prepare(self, critic: keras.Model) -> None:
        """Checks the critic and makes the buffer for its images."""
        super().prepare(critic)
        if not self.buffer:
            return
        if getattr(critic, "takes_labels", False):
            raise ValueError(
                "The buffer of MaxGP keeps images without their labels, and this critic takes "
                "labels: use no buffer."
            )
        self.kept = self.add_weight(
            (self.buffer, *critic.image_shape), "zeros", trainable=False, name="kept"
        )
        # A negative norm marks a place that is still empty.
        self.kept_norms = self.add_weight(
            (self.buffer,), keras.initializers.Constant(-1.0), trainable=False, name="kept_norms"
        )

    def terms(
        self, score: Score, real: tf.Tensor, fake: tf.Tensor, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Computes the penalty; see `Penalty.terms`."""
        points = interpolates(real, fake, noise)
        if self.buffer and self.buffer_mode == "replace":
            points = self._with_kept(points, noise.index)
        norms = norm_per_sample(input_gradient(score, points))
        found = {"points": points, "norms": norms}
        kept_norms = self._norms_of_kept(score) if self._appends else norms[:0]
        if self._appends:
            found["kept_norms"] = kept_norms
        largest = tf.reduce_max(tf.stop_gradient(tf.concat([norms, kept_norms], axis=0)))
        largest = tf.reduce_max(gather(largest[None]))
        own, kept = (tf.cast(values == largest, tf.float32) for values in (norms, kept_norms))
        # Every replica looks at all kept points; one without images has no row to say so in.
        kept *= tf.cast(tf.size(norms) > 0, tf.float32)
        scale = global_batch / global_sum(tf.reduce_sum(own) + tf.reduce_sum(kept))
        values = scale * own * self.of_norm(norms)
        extra = tf.reduce_sum(scale * kept * self.of_norm(kept_norms))
        values += extra / tf.cast(tf.maximum(tf.size(norms), 1), tf.float32)
        logs = {"max_gradient_norm": tf.fill(tf.shape(norms), largest)}
        return Penalised({"penalty": values}, logs, found | {"largest": largest})

    @property
    def _appends(self) -> bool:
        return self.buffer > 0 and self.buffer_mode == "append"

    def _with_kept(self, points: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Puts kept points at the first K places of the global batch."""
        place = tf.minimum(index, self.buffer - 1)
        norms = tf.gather(tf.convert_to_tensor(self.kept_norms), place)
        use = (index < self.buffer) & (norms >= 0.0)
        return tf.where(
            rows_of(use, points), tf.gather(tf.convert_to_tensor(self.kept), place), points
        )

    def _norms_of_kept(self, score: Score) -> tf.Tensor:
        norms = norm_per_sample(input_gradient(score, tf.convert_to_tensor(self.kept)))
        return tf.where(tf.convert_to_tensor(self.kept_norms) >= 0.0, norms, -1.0)

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Keeps the points of largest norm, the same ones on every replica."""
        if not self.buffer:
            return
        points, norms = (
            gather(rows) for rows in _largest(found["points"], found["norms"], self.buffer)
        )
        if self._appends:
            points = tf.concat([points, tf.convert_to_tensor(self.kept)], axis=0)
            norms = tf.concat([norms, found["kept_norms"]], axis=0)
        points, norms = _largest(points, norms, self.buffer)
        self.kept.assign(points)
        self.kept_norms.assign(norms)


def _largest(points: tf.Tensor, norms: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the `count` points of largest norm; places without a point have norm -1."""
    filler = [[0, count]] + [[0, 0]] * (points.shape.rank - 1)
    norms = tf.pad(norms, [[0, count]], constant_values=-1.0)
    norms, chosen = tf.math.top_k(norms, count)
    return tf.gather(tf.pad(points, filler), chosen), norms


class MaxGradientPenaltyToOne(MaxGradientPenalty):
    """MaxGP-gp: `weight * (max_i s_i - 1)^2`, an ablation: it does not let k(c) go to zero.

    Args:
        weight: float >= 0.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Source: Zhou et al., arXiv 1904.01184; mode `gp` of sobolev_cifar10.py with its maximum.
    """

    def of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `weight * (s - 1)^2`."""
        return self.weight * two_sided(norm)


class MaxLipschitzPenalty(MaxGradientPenalty):
    """MaxGP-lp: `weight * max(0, max_i s_i - 1)^2`, an ablation.

    Args:
        weight: float >= 0.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Source: mode `lp` of sobolev_cifar10.py with its maximum.
    """

    def of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `weight * max(0, s - 1)^2`."""
        return self.weight * one_sided(norm)


class MaxAugmentedLagrangian(MaxGradientPenalty):
    """MaxAL: holds `h = max_i s_i - 1` at zero by an augmented Lagrangian.

    Loss `weight * h^2 + mu * h`; after each critic step `mu <- mu + multiplier_rate * h`. With
    `inequality` it is h <= 0 that is held: the loss is constant in h where
    `mu + 2 weight h <= 0`, and mu stays non-negative.

    Args:
        weight: float > 0, rho.
        multiplier_rate: float >= 0; the released code has 1e-3, and 2 * rho as an alternative.
        inequality: bool, whether norms below one are let be.
        buffer: int >= 0, see `MaxGradientPenalty`.
        buffer_mode: `"append"` or `"replace"`.

    Source: Zhou et al., arXiv 1904.01184; ZhimingZhou/MaxGP-MaxAL-for-reproduce. The form of the
    inequality is the usual augmented Lagrangian's; the released code says no more than a clip at 0.
    """

    def __init__(
        self,
        weight: float = 1.0,
        *,
        multiplier_rate: float = 1e-3,
        inequality: bool = False,
        buffer: int = 0,
        buffer_mode: str = "replace",
        name: str | None = None,
    ):
        super().__init__(weight, buffer=buffer, buffer_mode=buffer_mode, name=name)
        if weight <= 0:
            raise ValueError(f"The weight rho of MaxAL must be positive, received {weight}.")
        if multiplier_rate < 0:
            raise ValueError(f"`multiplier_rate` must not be negative, received {multiplier_rate}.")
        self.multiplier_rate = multiplier_rate
        self.inequality = inequality
        self.multiplier = self.add_weight((), "zeros", trainable=False, name="multiplier")

    def of_norm(self, norm: tf.Tensor) -> tf.Tensor:
        """Computes `rho h^2 + mu h`, or its part that holds h <= 0."""
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
        """Moves the multiplier, and keeps points for the buffer."""
        super().after_step(critic, found)
        moved = self.multiplier + self.multiplier_rate * (found["largest"] - 1.0)
        self.multiplier.assign(tf.maximum(moved, 0.0) if self.inequality else moved)
