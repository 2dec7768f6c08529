"""The base of all objectives: options with the formulas of both players' losses."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import tensorflow as tf

from zoo.models.examples import Examples, Losses
from zoo.options import Options, StepOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective(Options):
    """Losses of critic and generator as functions of the critic's scores.

    All losses are per sample, float32, and minimised. Their means over the *global* batch are what
    a model minimises. A formula that needs a mean over the global batch itself uses
    `zoo.gradients.global_mean`.

    Subclass attributes:
        unlabelled_options: names of the options that concern unlabelled images only.
        high_is_real: bool, whether a high score means "real".
        needs_real_scores: bool, whether `generator_losses` reads `real.scores`. The generator's
            step then runs the critic on the real images too.
        needs_auto_encoder: bool, whether the scores must be the errors of an auto-encoder.
    """

    unlabelled_options: ClassVar[tuple[str, ...]] = ()
    high_is_real: ClassVar[bool] = True
    needs_real_scores: ClassVar[bool] = False
    needs_auto_encoder: ClassVar[bool] = False

    def check_critic(self, *, takes_labels: bool) -> None:
        """Checks that the objective suits the critic.

        Args:
            takes_labels: bool, whether the critic scores images of a given class.

        Raises:
            ValueError: it does not.
        """
        return

    def check_step(self, step: StepOptions) -> None:
        """Checks that the objective suits the options of the step.

        Args:
            step: options of the step.

        Raises:
            ValueError: it does not.
        """
        return

    @property
    def reads_plain_images(self) -> bool:
        """Whether unlabelled images are needed without augmentation too (`Examples.plain`)."""
        return False

    def without_unlabelled(self) -> Self:
        """Returns the objective for data whose images all have labels."""
        return self

    def check_average(self, ema: float | None) -> None:
        """Checks that the averaged networks that the objective reads exist.

        Args:
            ema: decay of the averaged weights; None for no average.

        Raises:
            ValueError: the objective reads an average, and there is none.
        """
        return

    def generator_steps(self, steps: int) -> int:
        """Returns the number of generator steps in a run of so many steps."""
        return steps

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        """Returns the named terms `[b]` whose sum the critic minimises."""
        raise NotImplementedError

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        """Returns the named terms `[b]` whose sum the generator minimises.

        Args:
            fake: generated images with their scores.
            real: real images, as many; `scores` is None unless `needs_real_scores` is set.
        """
        raise NotImplementedError

    def diagnostics(self, real: Examples, fake: Examples) -> Losses:
        """Returns values `[b]` to log; `gap` > 0 if the critic separates real from fake."""
        gap = tf.subtract(real.scores, fake.scores)
        return {
            "score_real": tf.convert_to_tensor(real.scores),
            "score_fake": tf.convert_to_tensor(fake.scores),
            "gap": gap if self.high_is_real else -gap,
        }

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        """Returns the losses of the critic, and the values to log."""
        return self.critic_losses(real, fake), self.diagnostics(real, fake)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Creates the objective from the options in a preset's `trainer.json`."""
        return cls(**config)
