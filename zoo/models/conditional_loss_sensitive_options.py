"""The objective of CLS-GAN: options with the formulas."""

import dataclasses

import tensorflow as tf

from zoo.models.margins import MARGIN_SCALE
from zoo.models.objective import Objective
from zoo.models.semi_supervised_options import UnlabelledTerms
from zoo.options import Count, NotNegative, Share, StepOptions


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConditionalLossSensitive(UnlabelledTerms, Objective):
    """CLS-GAN's losses, supervised and semi-supervised.

    The critic gives logits a(x) and by them a loss per class, `L(x, y)`. For labelled pairs (x, y)
    with g = G(z, y) of the *same* class, and unlabelled x_u with g_u of any class, it minimises

        E[L(x, y)] + hinge_weight * E[(Delta(x, g) + L(x, y) - L(g, y))_+]
                   + unlabelled_weight * E[(Delta(x_u, g_u) + L_ul(x_u) - L_ul(g_u))_+]

    with `L_ul(x) = min_l L(x, l)`, plus the terms of `UnlabelledTerms` on x_u. The generator
    minimises `E[L(G(z, y), y)]`, plus feature matching. In the semi-supervised form L has an
    implicit extra class of logit 0. The prediction is `argmin_y L(x, y)`.

    The defaults are the paper's plain setting. With few labels, `min_l` teaches a young critic its
    own mistakes: the ramps, the margin scale and the terms are options for that.

    Source: Qi, arXiv 1701.06264v3, equations 14 to 18; clsgan.lua of guojunq/lsgan (supervised).
    The paper does not state how y is drawn for unlabelled pairs; here it is uniform.
    """

    high_is_real = False
    unlabelled_options = (
        "unlabelled_weight",
        *(field.name for field in dataclasses.fields(UnlabelledTerms)),
    )

    margin_scale: NotNegative = MARGIN_SCALE
    """Margin `Delta = margin_scale * mean |x - g|`; 2.4576 is that of the official code."""
    hinge_weight: NotNegative = 1.0
    """Weight of the hinge on labelled pairs, the paper's lambda."""
    unlabelled_weight: NotNegative = 1.0
    """Weight of the hinge on unlabelled pairs, the paper's gamma."""
    feature_matching: NotNegative = 0.0
    """Weight, in the generator's loss, of the squared distance between the mean features of real
    and of generated images, in addition to the loss of its class, whose weight is 1."""
    adversarial_start: Share = 0.0
    """Share of the run before which no images are generated: both hinges and the generator start
    there."""
    adversarial_ramp: Share = 0.0
    """Share of the run, from `adversarial_start` on, over which the weights of both hinges and of
    the generator's loss rise from 0."""
    adversarial_every: Count = 1
    """Steps per step with generated images. In the other steps the hinges and the penalty are left
    out, and the generator does not change, which saves their time."""

    def check_step(self, step: StepOptions) -> None:
        if step.differentiable_augmentation != "none":
            raise ValueError(
                "`differentiable_augmentation` is for a critic that only scores images, and "
                "that of CLS-GAN is a classifier: give `differentiable_augmentation` none, and "
                "`shift`, `flip`, `rotate`, `zoom` or `strong` for its images."
            )

    def check(self) -> None:
        super().check()
        end = self.adversarial_start + self.adversarial_ramp
        if end > 1.0:
            raise ValueError(
                f"`adversarial_start` {self.adversarial_start} plus `adversarial_ramp` "
                f"{self.adversarial_ramp} is {end:g}, so the hinges would not reach their full "
                "weight: the sum must be at most 1."
            )
        if (self.skips_fakes or self.adversarial_ramp) and not (
            self.hinge_weight or self.unlabelled_weight
        ):
            raise ValueError(
                "`adversarial_start`, `adversarial_ramp` and `adversarial_every` have no effect "
                "while `hinge_weight` and `unlabelled_weight` are both 0: give one of the weights."
            )

    def check_schedule(self, run_steps: int) -> None:
        """Raises ValueError if the schedule is a share of a run of unknown length, 0."""
        if (self.adversarial_start or self.adversarial_ramp) and not run_steps:
            raise ValueError(
                "`adversarial_start` and `adversarial_ramp` are shares of `run_steps`: give "
                "`run_steps`."
            )

    @property
    def skips_fakes(self) -> bool:
        """Whether some steps generate no images."""
        return self.adversarial_every > 1 or self.adversarial_start > 0.0

    def fakes_due(self, step: tf.Tensor, *, run_steps: int) -> tf.Tensor:
        """Returns a bool scalar: whether a step generates images.

        Args:
            step: int64 scalar, the number of steps taken so far.
            run_steps: int, length of the run in steps.
        """
        start = round(self.adversarial_start * run_steps)
        return tf.logical_and(step >= start, step % self.adversarial_every == 0)

    def generator_steps(self, steps: int) -> int:
        start, every = round(self.adversarial_start * steps), self.adversarial_every
        return max(-(-steps // every) - -(-start // every), 1)

    @property
    def reads_plain_images(self) -> bool:
        return self.average_option is not None

    def shared_terms(self) -> UnlabelledTerms:
        """Returns the options of the terms that need no generator."""
        fields = dataclasses.fields(UnlabelledTerms)
        return UnlabelledTerms(**{field.name: getattr(self, field.name) for field in fields})
