"""Penalties on the critic's loss, and constraints on its weights, by name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from zoo.names import unknown_name
from zoo.penalties.clipping import WeightClipping, WeightRescaling
from zoo.penalties.consistency import BalancedConsistencyPenalty, ConsistencyPenalty
from zoo.penalties.gradient import (
    BothCentredPenalty,
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
    "r1_r2": BothCentredPenalty,
    "direct": DirectPenalty,
    "per_pixel": PerPixelPenalty,
    "max_gp": MaxGradientPenalty,
    "max_gp_one": MaxGradientPenaltyToOne,
    "max_lp": MaxLipschitzPenalty,
    "max_al": MaxAugmentedLagrangian,
    "cr": ConsistencyPenalty,
    "bcr": BalancedConsistencyPenalty,
    "clip": WeightClipping,
    "rescale": WeightRescaling,
}


def penalty_class(name: str) -> type[Penalty]:
    """Returns a penalty's class by name; raises ValueError with the known names."""
    if name not in PENALTIES:
        raise ValueError(unknown_name("penalty", name, PENALTIES))
    return PENALTIES[name]


def penalty_options(name: str) -> dict[str, Any]:
    """Returns a penalty's options and their defaults, by option name."""
    parameters = inspect.signature(penalty_class(name)).parameters
    return {key: value.default for key, value in parameters.items() if key != "name"}


def make_penalty(name: str, options: Mapping[str, Any]) -> Penalty:
    """Builds a penalty, for the argument `penalty` of a model of `zoo.models`.

    Args:
        name: str, a key of `PENALTIES`.
        options: constructor arguments of its class, by name; see `penalty_options`.

    Returns:
        A `Penalty`, a Keras layer whose variables become part of the model.

    Raises:
        ValueError: an unknown name, an option that the penalty does not have, or a value outside
            its range.

    Example:
    >>> penalty = make_penalty("max_gp", {"weight": 0.1, "buffer": 8})
    >>> penalty.weight, penalty.buffer
    (0.1, 8)
    """
    known = penalty_options(name)
    for key in options:
        if key not in known:
            raise ValueError(f"Penalty {name!r} has no option {key!r}; it has {', '.join(known)}.")
    make: Callable[..., Penalty] = PENALTIES[name]
    return make(**options)
