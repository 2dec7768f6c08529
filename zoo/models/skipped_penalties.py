"""Trainers that compute the penalty in some steps only, which saves its time in the others."""

from typing import Any

import tensorflow as tf

from zoo.models.trainer import StatelessTrainer, Step
from zoo.options import StepOptions
from zoo.penalties.schedule import is_due, without_penalty


class PenaltySkippingTrainer(StatelessTrainer):
    """A trainer with two kinds of steps if `penalty_every` exceeds 1: with and without the penalty.

    The choice is between whole steps, because XLA cannot differentiate a condition.

    Attributes:
        step_options: options of the step.
    """

    step_options: StepOptions

    @property
    def kinds_of_steps(self) -> tuple[Step, ...]:
        steps: tuple[Step, ...] = super().kinds_of_steps
        return steps if self.step_options.penalty_every == 1 else (*steps, self._unpenalised_step)

    def next_kind(self) -> tf.Tensor:
        if self.step_options.penalty_every == 1:
            return super().next_kind()
        return tf.where(is_due(self.step.value, self.step_options), 0, 1)

    def _unpenalised_step(self, data: Any) -> dict[str, tf.Tensor]:
        with without_penalty():
            return self.train_step(data)
