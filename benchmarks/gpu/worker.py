"""One process of a measurement, started by `python -m benchmarks.gpu.speed`.

It builds the modes of its specification, reports them as one JSON line, and then takes steps when
it is asked to: it reads `{"mode": ..., "seconds": ...}` and answers with one JSON line.
"""

import json
import sys
import time
from typing import Any

from benchmarks.gpu.builders import build, steps_of
from benchmarks.gpu.specs import Spec

MESSAGE = 600
"""Characters of an error message that are reported."""


def _peak_megabytes(kind: str) -> float | None:
    """Returns the GPU memory that the process used at most; None without a GPU."""
    if kind == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else None
    import tensorflow as tf

    if not tf.config.list_logical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6


def _measure(call: Any, *, images: int, seconds: float) -> float:
    """Calls until the time is over; returns images per second."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        call()
        calls += 1
    return calls * images / (time.perf_counter() - start)


def main(arguments: list[str]) -> int:
    """Runs the worker until its input ends."""
    spec = Spec(**json.loads(arguments[0]))
    calls: dict[str, Any] = {}
    report: dict[str, dict[str, Any]] = {}
    start = time.perf_counter()
    makers = build(spec)
    built = time.perf_counter() - start
    for mode, make in makers.items():
        start = time.perf_counter()
        try:
            calls[mode] = make()
            calls[mode]()
            first = time.perf_counter() - start
            calls[mode]()
            report[mode] = {"first_call_seconds": first}
        except Exception as error:  # Any failure is a row of the table.
            report[mode] = {"failed": f"{type(error).__name__}: {error}"[:MESSAGE]}
            calls.pop(mode, None)
    print(json.dumps({"build_seconds": built, "modes": report}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        images = steps_of(asked["mode"]) * spec.batch
        try:
            speed = _measure(calls[asked["mode"]], images=images, seconds=asked["seconds"])
            answer: dict[str, Any] = {
                "images_per_second": speed,
                "peak_megabytes": _peak_megabytes(spec.kind),
            }
        except Exception as error:  # Out of memory, for one.
            answer = {"failed": f"{type(error).__name__}: {error}"[:MESSAGE]}
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
