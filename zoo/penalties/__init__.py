"""Penalties: functions of a critic and two batches, and constraints on its weights."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from zoo.names import unknown_name
from zoo.penalties.clipping import WeightClipping, WeightRescaling
from zoo.penalties.gradient import (
    CentredPenalty,
    DirectPenalty,
    DRAGANPenalty,
    FakeCentredPenalty,
    GradientPenalty,
    LipschitzPenalty,
    PerPixelPenalty,
    RealCentredPenalty,
)
from zoo.penalties.max_gradient import (
    MaxAugmentedLagrangian,
    MaxGradientPenalty,
    MaxGradientPenaltyToOne,
    MaxLipschitzPenalty,
)
from zoo.penalties.penalty import Penalty

__all__ = ["PENALTIES", "Penalty", "make_penalty", "penalty_class", "penalty_options"]

PENALTIES: dict[str, type[Penalty]] = {
    "gp": GradientPenalty,
    "lp": LipschitzPenalty,
    "cp": CentredPenalty,
    "dragan": DRAGANPenalty,
    "r1": RealCentredPenalty,
    "r2": FakeCentredPenalty,
    "direct": DirectPenalty,
    "per_pixel": PerPixelPenalty,
    "max_gp": MaxGradientPenalty,
    "max_gp_one": MaxGradientPenaltyToOne,
    "max_lp": MaxLipschitzPenalty,
    "max_al": MaxAugmentedLagrangian,
    "clip": WeightClipping,
    "rescale": WeightRescaling,
}


def penalty_class(name: str) -> type[Penalty]:
    """Returns the class of a penalty; raises ValueError with the known names."""
    if name not in PENALTIES:
        raise ValueError(unknown_name("penalty", name, PENALTIES))
    return PENALTIES[name]


def penalty_options(name: str) -> dict[str, Any]:
    """Returns the options that a penalty takes, with their defaults."""
    parameters = inspect.signature(penalty_class(name)).parameters
    return {key: one.default for key, one in parameters.items() if key != "name"}


def make_penalty(name: str, options: Mapping[str, Any]) -> Penalty:
    """Makes a penalty.

    Args:
        name: a key of `PENALTIES`.
        options: those of its class.

    Raises:
        ValueError: unknown name, an option that the penalty does not have, a value that cannot be.

    Example:
    >>> make_penalty("max_gp", {"weight": 0.1, "buffer": 8}).buffer
    8
    """
    known = penalty_options(name)
    for key in options:
        if key not in known:
            raise ValueError(f"Penalty {name!r} has no option {key!r}; it has {', '.join(known)}.")
    make: Callable[..., Penalty] = PENALTIES[name]
    return make(**options)
