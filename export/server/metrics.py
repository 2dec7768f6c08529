"""Metrics in Prometheus' text format, with TF Serving's names."""

import bisect
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

from export.server.status import Code, ServingError

_PREFIX = ":tensorflow:serving:"
_BOUNDS = [10 * 1.8**i for i in range(33)]  # Microseconds.
_HELP = {
    "request_count": "The total number of requests.",
    "request_latency": "Time from a request's arrival to its answer, in microseconds.",
    "runtime_latency": "Time in the graph, in microseconds.",
    "signature_latency": "Time in the queue and in the graph, in microseconds.",
    "model_warmup_latency": "Time to replay a version's warmup requests, in microseconds.",
    "batching_session:queuing_latency": "Time a request waits for its batch, in microseconds.",
}

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters and histograms that any thread may update."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Labels, int] = {}
        self._histograms: dict[str, dict[Labels, list[int]]] = {}
        self._sums: dict[tuple[str, Labels], float] = {}

    def count_request(self, model_name: str, code: Code) -> None:
        """Counts an answered request."""
        labels = (("model_name", model_name), ("status", code.name))
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Adds a duration to a histogram; `_HELP` lists their names."""
        key, micros = tuple(labels.items()), seconds * 1e6
        with self._lock:
            histograms = self._histograms.setdefault(name, {})
            buckets = histograms.setdefault(key, [0] * (len(_BOUNDS) + 1))
            buckets[bisect.bisect_left(_BOUNDS, micros)] += 1
            self._sums[name, key] = self._sums.get((name, key), 0.0) + micros

    @contextlib.contextmanager
    def request(self, model_name: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts and times a request; `model_name` must come from `Manager.metric_name`."""
        start = time.perf_counter()
        try:
            yield
        except ServingError as error:
            self.count_request(model_name, error.code)
            raise
        self.count_request(model_name, Code.OK)
        self.observe(
            "request_latency",
            time.perf_counter() - start,
            model_name=model_name,
            API=api,
            entrypoint=entrypoint,
        )

    def text(self) -> str:
        """Returns all metrics as text."""
        with self._lock:
            lines = _head("request_count", "counter")
            name = _PREFIX + "request_count"
            lines += [f"{name}{_braces(k)} {v}" for k, v in sorted(self._counts.items())]
            for name, histograms in sorted(self._histograms.items()):
                lines += _head(name, "histogram")
                for labels, buckets in sorted(histograms.items()):
                    lines += _histogram(_PREFIX + name, labels, buckets, self._sums[name, labels])
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str) -> list[str]:
    return [f"# HELP {_PREFIX}{name} {_HELP[name]}", f"# TYPE {_PREFIX}{name} {kind}"]


def _histogram(name: str, labels: Labels, buckets: list[int], total: float) -> list[str]:
    bounds = [*(f"{bound:.6g}" for bound in _BOUNDS), "+Inf"]
    counts = list(itertools.accumulate(buckets))
    lines = [
        f"{name}_bucket{_braces((*labels, ('le', bound)))} {count}"
        for bound, count in zip(bounds, counts, strict=True)
    ]
    lines.append(f"{name}_sum{_braces(labels)} {total:.17g}")
    lines.append(f"{name}_count{_braces(labels)} {counts[-1]}")
    return lines


def _braces(labels: Labels) -> str:
    escaped = (
        (key, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for key, value in labels
    )
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped) + "}"
