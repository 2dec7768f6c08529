"""Trainers with a penalty on the critic, in every step or in some steps only."""

from typing import Any

import keras
import tensorflow as tf

from zoo.batch_statistics import unchanged_statistics
from zoo.models.examples import Examples
from zoo.models.trainer import StatelessTrainer, Step
from zoo.options import StepOptions
from zoo.penalties.penalty import NOTHING, Penalised, Penalty
from zoo.penalties.schedule import is_due, scheduled_penalty, without_penalty
from zoo.randomness import Noise
from zoo.rematerialisation import rematerialising


class PenalisedTrainer(StatelessTrainer):
    """A trainer of a critic with a penalty.

    If `penalty_every` exceeds 1 it has two kinds of steps, with and without the penalty, which
    saves the time of the penalty. The choice is between whole steps, because XLA cannot
    differentiate a condition.

    Attributes:
        critic: the penalised network.
        penalty: the penalty; None for none.
        step_options: options of the step.
        run_steps: int, length of the run in steps, of which the burn-in is a share.
    """

    critic: keras.Model
    penalty: Penalty | None
    step_options: StepOptions
    run_steps: int

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

    def penalised_score(self, examples: Examples, noise: Noise) -> tf.Tensor:
        """Returns the values `[b]` whose gradient is penalised, one per image."""
        raise NotImplementedError

    def penalise(
        self, real: Examples, fake: Examples, noise: Noise, global_batch: tf.Tensor
    ) -> Penalised:
        """Returns the terms and values of the penalty; nothing without a penalty."""
        penalty = self.penalty
        if penalty is None:
            return NOTHING

        def score(images: tf.Tensor) -> tf.Tensor:
            with rematerialising(False), unchanged_statistics(self.critic):
                return self.penalised_score(real._replace(images=images), noise)

        return scheduled_penalty(
            penalty,
            lambda: penalty.terms(score, real.images, fake.images, noise, global_batch),
            self.step_options,
            step=noise.step,
            rows=tf.shape(real.images)[0],
            run_steps=self.run_steps,
        )
