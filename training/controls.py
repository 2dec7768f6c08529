"""The controls that a semi-supervised model is compared with: their names, titles and results."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Control:
    """The description of a control.

    Attributes:
        title: printed before its training starts.
        row: its name in tables.
        short: its name after that of a run, in curves and reports.
        difference: how it differs from the model, in model cards.
    """

    title: str
    row: str
    short: str
    difference: str


CONTROLS = {
    "control": Control(
        title="Supervised control: same network, labels and steps.",
        row="supervised control",
        short="control",
        difference="supervised control, the same network and labels",
    ),
    "control_equal_seconds": Control(
        title="Supervised control for equal seconds: same network and labels.",
        row="supervised control, equal seconds",
        short="control for equal seconds",
        difference="supervised control, trained for equal seconds",
    ),
    "control_without_generator": Control(
        title="Control without a generator: same network, labels, unlabelled images and steps.",
        row="control without generator",
        short="control without generator",
        difference="control without a generator, the same semi-supervised terms",
    ),
}
"""The controls by name: that of their option and folder, and the prefix of their results."""


def control_of(key: str) -> str:
    """Returns the control that a field of a result belongs to; `""` for a field of the model.

    >>> control_of("control_equal_seconds_test_error")
    'control_equal_seconds'
    """
    owners = [name for name in CONTROLS if key.startswith(f"{name}_")]
    return max(owners, key=len, default="")


def results_of(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of a result that belong to a control, without its prefix."""
    prefix = f"{name}_"
    return {
        key.removeprefix(prefix): value for key, value in result.items() if control_of(key) == name
    }
