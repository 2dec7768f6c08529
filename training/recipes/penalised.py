"""What the recipes of GANs that may have a penalty on the critic share."""

import dataclasses
from typing import TYPE_CHECKING, Literal

from training.recipe import option
from training.recipes.adversarial import AdversarialRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    from zoo.penalties import Penalty

_PENALTY_OPTIONS = {
    "penalty_weight": "weight",
    "penalty_power": "power",
    "penalty_noise": "noise_scale",
    "penalty_buffer": "buffer",
    "penalty_buffer_mode": "buffer_mode",
    "multiplier_rate": "multiplier_rate",
    "inequality": "inequality",
    "clip_bound": "bound",
    "clip_when": "when",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PenalisedRecipe(AdversarialRecipe):
    """Fields of a penalty and its options, and of the networks' names."""

    penalty: str = "none"
    """Penalty on the critic: none, gp, lp, cp, dragan, r1, r2, direct, per_pixel, max_gp,
    max_gp_one, max_lp, max_al, clip, rescale. Its options below are by default its own."""
    penalty_weight: float | None = None
    """Factor of the penalty; rho of max_al."""
    penalty_power: int | None = None
    """Power of the gradient norm, 1 or 2; direct only."""
    penalty_noise: float | None = None
    """Size of the noise on real images; dragan only."""
    penalty_buffer: int | None = None
    """How many points of largest gradient are kept for the next step; max_* only."""
    penalty_buffer_mode: Literal["append", "replace"] | None = None
    """Whether kept points stand beside the batch's or for some of them; max_* only."""
    multiplier_rate: float | None = None
    """Step of the multiplier; max_al only."""
    inequality: bool | None = None
    """Let gradient norms below one be; max_al only."""
    clip_bound: float | None = None
    """Critic weights are clipped to [-bound, bound], or rescaled to this mean; clip, rescale."""
    clip_when: Literal["before", "after"] | None = None
    """Clip before or after each critic step; clip only."""

    def check_size(self, image_shape: tuple[int, ...]) -> None:
        """Raises UserError where the networks cannot make images of this shape."""
        from zoo.networks import check_image_size

        for field in ("network", "generator_network"):
            name = getattr(self, field, None)
            if name is None:
                continue
            try:
                check_image_size(name, image_shape)
            except ValueError as error:
                square = len(image_shape) != 3 or image_shape[0] == image_shape[1]
                hint = "" if square else " Give --image-size to crop and resize to a square."
                raise UserError(f"{option(field)} {name}: {error}{hint}") from None

    def check_penalty(self) -> None:
        """Raises UserError for a penalty or an option of it that cannot be."""
        from zoo.names import unknown_name
        from zoo.penalties import PENALTIES, penalty_class, penalty_options

        if self.penalty != "none" and self.penalty not in PENALTIES:
            raise UserError(unknown_name("penalty", self.penalty, ["none", *PENALTIES]))
        known = {} if self.penalty == "none" else penalty_options(self.penalty)
        for field, argument in _PENALTY_OPTIONS.items():
            if getattr(self, field) is not None and argument not in known:
                raise UserError(
                    f"{option(field)} {getattr(self, field)} has no effect with --penalty "
                    f"{self.penalty}: give {option(field)} None."
                )
        try:
            self.make_penalty()
        except ValueError as error:
            raise UserError(f"--penalty {self.penalty}: {error}") from None
        buffer = self.penalty_buffer or 0
        if buffer and self.needs_labels:
            raise UserError(
                "--penalty-buffer keeps images without their labels, and this critic takes labels: "
                "no buffer with --conditional, nor for clsgan."
            )
        if buffer >= self.batch_size:
            raise UserError(
                f"--penalty-buffer {buffer} must be smaller than --batch-size {self.batch_size}."
            )
        if (
            self.penalty != "none"
            and penalty_class(self.penalty).differentiates
            and self.critic_normalization == "batch"
        ):
            raise UserError(
                f"--penalty {self.penalty} takes the critic's gradient image by image, and batch "
                "normalisation makes it depend on the other images. Give --critic-normalization "
                "layer or none."
            )

    def make_penalty(self) -> "Penalty | None":
        """Makes the penalty; None for none."""
        from zoo.penalties import make_penalty

        if self.penalty == "none":
            return None
        options = {
            argument: getattr(self, field)
            for field, argument in _PENALTY_OPTIONS.items()
            if getattr(self, field) is not None
        }
        return make_penalty(self.penalty, options)
