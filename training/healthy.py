"""Ranges of the diagnostics in healthy runs, as docs/models.md states them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Band:
    """The range of a value in a healthy run.

    Attributes:
        low: the lower end; None if there is none.
        high: the upper end; None if there is none.
        meaning: the reason, in one sentence.
    """

    low: float | None
    high: float | None
    meaning: str


_GAP = Band(0.0, None, "It rises, then falls, and stays above 0. Below 0, the critic lags behind.")
_CLIPPED = Band(0.0, 0.1, "Near 1, the clipping bound decides the critic, not the data.")
_OF_MODEL = {
    "gan": {
        "critic_loss": Band(
            0.0, 1.386, "It rises towards 1.386. Near 0 with a large gap, the critic has won."
        )
    },
    "wgan": {"clipped_weights": _CLIPPED},
    "glsgan": {"clipped_weights": _CLIPPED},
    "wgan_gp": {
        "gradient_norm_interpolates": Band(0.9, 1.1, "The penalty holds the norm near 1."),
        "gradient_norm_max": Band(2 / 3, 4 / 3, "The largest norm stays within a third of 1."),
    },
}


def bands(model: str) -> dict[str, Band]:
    """Returns the healthy ranges of a model's values, by the names in its logs.

    Example:
    >>> bands("wgan")["clipped_weights"].high
    0.1
    """
    return {"gap": _GAP} | _OF_MODEL.get(model, {})
