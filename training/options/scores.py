"""Options of the scores that are measured during training."""

import dataclasses
from typing import Literal

from zoo.options import Count, Options, Positive


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreOptions(Options):
    """Scores during training, and the choice of the best state."""

    score_metrics: str | None = None
    """Metrics to measure during training, on the averaged weights, such as `fid,kid`."""
    score_every: Positive | None = None
    """Thousands of real images between two measurements; by default one at every report."""
    score_samples: Count = 2000
    """Images to generate for one measurement."""
    score_split: Literal["validation", "train"] = "validation"
    """Reference split of the measurements; never the test split."""
    score_features: str | None = None
    """Feature network of the measurements; by default the one shipped for the data."""
    best_by: str | None = None
    """Value (`fid`, `recall`, `error`, ...) that chooses the best state, which becomes the outcome;
    by default the outcome is the last state."""

    def check(self) -> None:
        super().check()
        if self.score_metrics is not None:
            return
        for field in dataclasses.fields(self):
            if getattr(self, field.name) != field.default:
                raise ValueError(f"`{field.name}` has no effect without `score_metrics`.")
