"""`python -m benchmarks.serving_json`: measures the time to write an image of floats as JSON.

Compares two formats of large arrays, in turns within one run. The server writes the fewest digits
that read back as the same number, with orjson. For small arrays it uses TF Serving's digits.
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
    """Returns the time to write an answer."""
    count, start = 0, time.perf_counter()
    while (took := time.perf_counter() - start) < _SECONDS:
        json_writing.rows(outputs)
        count += 1
    return took / count


def main() -> int:
    """Prints medians and the range of the ratio, one line per image size."""
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
