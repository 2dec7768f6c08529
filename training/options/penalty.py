"""Options of the penalty on the critic."""

import dataclasses
from typing import Literal

from zoo.names import unknown_name
from zoo.options import Options
from zoo.penalties import PENALTIES, Penalty, make_penalty, penalty_options

# Flag -> argument of the penalty's class, which holds its default and its check.
ARGUMENTS = {
    "penalty_weight": "weight",
    "penalty_power": "power",
    "penalty_noise": "noise_scale",
    "penalty_augmentation": "augmentation",
    "penalty_buffer": "buffer",
    "penalty_buffer_mode": "buffer_mode",
    "multiplier_rate": "multiplier_rate",
    "inequality": "inequality",
    "clip_bound": "bound",
    "clip_when": "when",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PenaltyOptions(Options):
    """Penalty on the critic. An option that is None takes the default of the penalty."""

    penalty: str = "none"
    """Penalty on the critic: none, gp, lp, cp, dragan, r1, r2, r1_r2, direct, per_pixel, max_gp,
    max_gp_one, max_lp, max_al, cr, bcr, clip or rescale."""
    penalty_weight: float | None = None
    """Factor of the penalty; rho of max_al."""
    penalty_power: int | None = None
    """Power of the gradient norm, 1 or 2; direct only."""
    penalty_noise: float | None = None
    """Size of the noise on real images; dragan only."""
    penalty_augmentation: str | None = None
    """Changes of images that must not change the score: some of color, translation, cutout and
    flip, separated by commas; cr and bcr only."""
    penalty_buffer: int | None = None
    """Number of points of largest gradient that are kept for the next step; max_* only."""
    penalty_buffer_mode: Literal["append", "replace"] | None = None
    """Add the kept points to those of the batch, or replace some of them; max_* only."""
    multiplier_rate: float | None = None
    """Step size of the multiplier; max_al only."""
    inequality: bool | None = None
    """Do not penalise gradient norms below one; max_al only."""
    clip_bound: float | None = None
    """Bound to which weights are clipped, or mean absolute value to which they are rescaled; clip
    and rescale only."""
    clip_when: Literal["before", "after"] | None = None
    """Clip before or after each critic step; clip only."""

    def check(self) -> None:
        super().check()
        if self.penalty != "none" and self.penalty not in PENALTIES:
            raise ValueError(unknown_name("penalty", self.penalty, ["none", *PENALTIES]))
        known = {} if self.penalty == "none" else penalty_options(self.penalty)
        for name, argument in ARGUMENTS.items():
            value = getattr(self, name)
            if value is not None and argument not in known:
                raise ValueError(
                    f"`{name}` {value} has no effect with `penalty` {self.penalty}: give `{name}` "
                    "None."
                )
        try:
            self.make()
        except ValueError as error:
            raise ValueError(f"`penalty` {self.penalty}: {error}") from None

    def make(self) -> Penalty | None:
        """Creates the penalty; returns None for none."""
        if self.penalty == "none":
            return None
        given = {argument: getattr(self, name) for name, argument in ARGUMENTS.items()}
        options = {argument: value for argument, value in given.items() if value is not None}
        return make_penalty(self.penalty, options)
