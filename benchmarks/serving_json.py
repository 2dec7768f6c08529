"""`python -m benchmarks.serving_json`: what it costs to write one image of floats as JSON.

Compares, in turns within one run, the server's way of writing large arrays (as few digits as read
back as the same number, by orjson) with TF Serving's choice of digits, which it has for small ones.
"""

import sys
import time
from unittest import mock

import numpy as np

from export.server import json_writing

SIZES = (28, 32, 64)
ROUNDS = 7
_SECONDS = 0.2


def seconds(outputs: dict[str, np.ndarray]) -> float:
    """Measures how long an answer takes to be written."""
    count, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < _SECONDS:
        json_writing.rows(outputs)
        count += 1
    return took / count


def main() -> int:
    """Prints a line an image size: medians, and the range of the ratio."""
    for size in SIZES:
        values = np.random.default_rng(0).uniform(-1, 1, (1, size, size, 3)).astype("float32")
        pairs = []
        for _ in range(ROUNDS):
            quick = seconds({"images": values})
            with mock.patch.object(json_writing, "_MANY", values.size + 1):
                pairs.append((seconds({"images": values}), quick))
        digits, quick = np.median(pairs, axis=0) * 1e3
        ratios = [slow / fast for slow, fast in pairs]
        print(
            f"{size}x{size}x3: {digits:.2f} ms as TF Serving, {quick:.2f} ms by orjson, "
            f"{np.median(ratios):.1f} x ({min(ratios):.1f} to {max(ratios):.1f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
