"""Metrics: features -> statistics -> value. `docs/metrics.md` describes each protocol."""

import difflib
import importlib
from collections.abc import Iterable

from training.metrics.metric import Metric
from zoo.errors import UserError

METRICS = {
    "fid": "training.metrics.fid",
    "kid": "training.metrics.kid",
    "is": "training.metrics.inception_score",
    "pr": "training.metrics.precision_recall",
    "mre": "training.metrics.mre",
    "error": "training.metrics.error_rate",
    "calibration": "training.metrics.calibration",
}
"""The names for `--metrics`, each with the module that defines its `METRIC`."""


def find_metrics(names: Iterable[str]) -> list[Metric]:
    """Returns the metrics with the given names.

    Raises:
        UserError: if a name is unknown, or there are no names.
    """
    metrics = []
    for name in names:
        if name not in METRICS:
            near = difflib.get_close_matches(name, METRICS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UserError(f"Unknown metric {name!r}.{hint} Metrics: {', '.join(METRICS)}.")
        metrics.append(importlib.import_module(METRICS[name]).METRIC)
    if not metrics:
        raise UserError(f"Give at least one metric: {', '.join(METRICS)}.")
    return metrics


def parse_metrics(text: str) -> list[Metric]:
    """Returns the metrics of a comma-separated list such as `fid,kid`, without repetitions."""
    return find_metrics(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
