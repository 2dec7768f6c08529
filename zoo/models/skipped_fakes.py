"""Adversarial models that generate no images in some steps, which saves the time of the fakes."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.trainer import Step
from zoo.randomness import Noise

SHARE = "adversarial_steps"
"""Name of the logged share of steps with generated images, for models that skip some."""


class SkippingModel(AdversarialModel):
    """An adversarial model that skips the fakes as its objective says in `skips_fakes`.

    In a step without fakes the generator and its average stay as they are. A subclass defines
    `critic_step_without_fakes`, `update_critic_average` and `values_of_fakes`.
    """

    objective: Any

    @property
    def values_of_fakes(self) -> tuple[str, ...]:
        """Names of the logged values that need generated images."""
        raise NotImplementedError

    def critic_step_without_fakes(
        self, batch: Mapping[str, Examples], noise: Noise, global_batch: tf.Tensor
    ) -> Losses:
        """Takes one critic step on real images; returns per-sample values to log."""
        raise NotImplementedError

    def update_critic_average(self) -> None:
        """Updates the averaged weights of the critic, if there are any."""
        return

    @property
    def kinds_of_steps(self) -> tuple[Step, ...]:
        steps: tuple[Step, ...] = super().kinds_of_steps
        return (*steps, self.step_without_fakes) if self.objective.skips_fakes else steps

    def next_kind(self) -> tf.Tensor:
        if not self.objective.skips_fakes:
            return super().next_kind()
        due = self.objective.fakes_due(self.step.value, run_steps=self.run_steps)
        return tf.where(due, 0, 1)

    def step_without_fakes(self, data: Any) -> dict[str, tf.Tensor]:
        """Takes `critic_steps` critic steps on the real images of one batch."""
        batches, noise, global_batch = self.unpack(data)
        values: Losses = {}
        for k, batch in enumerate(batches):
            rows = noise.child(f"critic_{k}")
            values = self.critic_step_without_fakes(batch, rows, global_batch)
        self.update_critic_average()
        return self.finish_step(values, global_batch)

    def update_averages(self) -> None:
        super().update_averages()
        self.update_critic_average()

    def finish_step(
        self, values: Mapping[str, tf.Tensor], global_batch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        if self.objective.skips_fakes:
            values = _with_untaken(values, self.values_of_fakes)
        return super().finish_step(values, global_batch)

    def logged_means(self) -> dict[str, tf.Tensor]:
        """Returns the means of the logged values since the last reset.

        The means of values that need fakes are means over the steps with fakes, and 0 before the
        first of them.
        """
        means = super().logged_means()
        if not self.objective.skips_fakes:
            return means
        return {
            name: tf.math.divide_no_nan(mean, means[SHARE])
            if name in self.values_of_fakes
            else mean
            for name, mean in means.items()
        }


def _with_untaken(values: Mapping[str, tf.Tensor], names: tuple[str, ...]) -> dict[str, tf.Tensor]:
    """Returns values in the same order for every kind of step; 0 for those that need fakes."""
    zeros = tf.zeros_like(next(iter(values.values())), tf.float32)
    others = {name: value for name, value in values.items() if name not in names}
    taken = zeros + 1.0 if names[0] in values else zeros
    return {**others, **{name: values.get(name, zeros) for name in names}, SHARE: taken}
