"""Constraints on the critic's weights: clipping, and rescaling."""

from typing import Literal

import keras
import tensorflow as tf

from zoo.options import Positive, checked
from zoo.penalties.penalty import Penalty


class WeightClipping(Penalty):
    """Clips every trainable weight of the critic to [-bound, bound], those of norms included.

    Args:
        bound: float > 0.
        when: `"before"` each critic step, as in WGAN's code, or `"after"` it, as in GLS-GAN's code.

    Raises:
        ValueError: an argument outside its range.

    Source: Arjovsky et al., arXiv 1701.07875; martinarjovsky/WassersteinGAN, main.py (0.01,
    before); glsgan.lua of guojunq/glsgan (0.08, after, normalisation parameters included).
    """

    differentiates = False

    @checked
    def __init__(
        self,
        bound: Positive = 0.01,
        *,
        when: Literal["before", "after"] = "before",
        name: str | None = None,
    ):
        super().__init__(0.0, name=name)
        self.bound = bound
        self.when = when

    def _clip(self, critic: keras.Model) -> None:
        for variable in critic.trainable_variables:
            variable.assign(tf.clip_by_value(variable.value, -self.bound, self.bound))

    def before_step(self, critic: keras.Model) -> None:
        """Clips the weights if `when` is `"before"`."""
        if self.when == "before":
            self._clip(critic)

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Clips the weights if `when` is `"after"`."""
        if self.when == "after":
            self._clip(critic)


class WeightRescaling(Penalty):
    """Rescales the critic's trainable weights so that their mean absolute value is at most a bound.

    After each critic step, with `m = mean |w|` over all trainable weights, those of norms included,
    every weight becomes `w * min(1, bound / m)`.

    Args:
        bound: float > 0, the largest mean absolute weight. The script has one bound for clipping
            and rescaling.

    Raises:
        ValueError: `bound` is not positive.

    Source: the alternative to clipping in glsgan.lua of guojunq/glsgan.
    """

    differentiates = False

    @checked
    def __init__(self, bound: Positive = 0.08, *, name: str | None = None):
        super().__init__(0.0, name=name)
        self.bound = bound

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Rescales the weights."""
        weights = [variable.value.read_value() for variable in critic.trainable_variables]
        count = sum(weight.shape.num_elements() for weight in weights)
        mean = tf.add_n([tf.reduce_sum(tf.abs(weight)) for weight in weights]) / count
        factor = self.bound / tf.maximum(mean, self.bound)
        for variable, weight in zip(critic.trainable_variables, weights, strict=True):
            variable.assign(factor * weight)
