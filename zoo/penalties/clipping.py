"""Clipping of the critic's weights."""

import keras
import tensorflow as tf

from zoo.penalties.penalty import Penalty


class WeightClipping(Penalty):
    """Puts every trainable weight of the critic, those of its norms too, into [-bound, bound].

    Args:
        bound: float > 0.
        when: `"before"` each critic step, as WGAN's code does, or `"after"` it, as GLS-GAN's does.

    Source: Arjovsky et al., arXiv 1701.07875; martinarjovsky/WassersteinGAN, main.py (0.01,
    before); glsgan.lua of guojunq/glsgan (0.08, after, normalisation parameters included).
    """

    differentiates = False

    def __init__(self, bound: float = 0.01, *, when: str = "before", name: str | None = None):
        super().__init__(0.0, name=name)
        if bound <= 0:
            raise ValueError(f"`bound` must be positive, received {bound}.")
        if when not in ("before", "after"):
            raise ValueError(f"`when` must be 'before' or 'after', received {when!r}.")
        self.bound = bound
        self.when = when

    def _clip(self, critic: keras.Model) -> None:
        for variable in critic.trainable_variables:
            variable.assign(tf.clip_by_value(variable.value, -self.bound, self.bound))

    def before_step(self, critic: keras.Model) -> None:
        """Clips, where that is when."""
        if self.when == "before":
            self._clip(critic)

    def after_step(self, critic: keras.Model, found: dict[str, tf.Tensor]) -> None:
        """Clips, where that is when."""
        if self.when == "after":
            self._clip(critic)
