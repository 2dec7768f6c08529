"""One contender of `benchmarks.evaluation distance`: reads features in batches, prints JSON.

It runs in a Python that needs only NumPy and the contender. The peers store all features before
they compute anything, as in their own loops over images. Both import torchvision, which these
functions do not use; if it is not installed, empty modules replace it:

    python3 -m venv peer && peer/bin/pip install torch scipy tqdm pillow
    peer/bin/pip install --no-deps torch-fidelity==0.4.0 pytorch-fid==0.3.0
"""

import importlib.util
import json
import pathlib
import resource
import sys
import time
import types
from collections.abc import Iterator

import numpy as np

BATCH = 500


def batches(path: str, columns: int) -> Iterator[np.ndarray]:
    """Yields float32 `[b, columns]` from a file."""
    with open(path, "rb") as file:
        while (rows := np.fromfile(file, np.float32, BATCH * columns)).size:
            yield rows.reshape(-1, columns)


def ours(left: str, right: str, columns: int) -> "Measured":
    """Computes the distance with the functions of `training.evaluate`."""
    from training.metrics.fid import frechet_distance
    from training.metrics.products import gpu
    from training.metrics.statistics import Moments

    gpu()  # Imports TensorFlow, as the peers import PyTorch and SciPy before the clock starts.
    before, start = _peak(), Clock()
    moments = []
    for path in (left, right):
        gathered = Moments()
        for batch in batches(path, columns):
            gathered.update(batch, batch, first_row=0)
        moments.append(gathered)
    return frechet_distance(*moments), start.read(), before


def torch_fidelity(left: str, right: str, columns: int) -> "Measured":
    """Computes the distance with torch-fidelity."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    before, start = _peak(), Clock()
    found = []
    for path in (left, right):
        features = torch.cat([torch.from_numpy(batch) for batch in batches(path, columns)])
        found.append(fid_features_to_statistics(features))
    value = fid_statistics_to_metric(*found, verbose=False)["frechet_inception_distance"]
    return float(value), start.read(), before


def pytorch_fid(left: str, right: str, columns: int) -> "Measured":
    """Computes the distance with pytorch-fid."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    before, start = _peak(), Clock()
    found = []
    for path in (left, right):
        features = np.empty((pathlib.Path(path).stat().st_size // (4 * columns), columns))
        for number, batch in enumerate(batches(path, columns)):
            features[number * BATCH : number * BATCH + len(batch)] = batch
        found += [np.mean(features, axis=0), np.cov(features, rowvar=False)]
    return float(calculate_frechet_distance(*found)), start.read(), before


class Clock:
    """Measures the time since it was made: on the clock, and of all threads of this process."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.used = time.process_time()

    def read(self) -> dict[str, float]:
        return {
            "seconds": time.perf_counter() - self.start,
            "cpu_seconds": time.process_time() - self.used,
        }


Measured = tuple[float, dict[str, float], float]
"""The distance, the times, and the memory before."""


class _Empty(types.ModuleType):
    """A module in which every name exists and is the class `object`."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def _replace_torchvision() -> None:
    if importlib.util.find_spec("torchvision") is not None:
        return
    names = ("datasets", "transforms", "transforms.functional", "models", "models.inception")
    for name in ("torchvision", *(f"torchvision.{name}" for name in names)):
        sys.modules[name] = module = _Empty(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: list[str]) -> int:
    """Measures one contender; returns the exit code."""
    name, columns, left, right = arguments
    contenders = {
        "this project": ours,
        "torch-fidelity": torch_fidelity,
        "pytorch-fid": pytorch_fid,
    }
    _replace_torchvision()
    value, seconds, before = contenders[name](left, right, int(columns))
    print(json.dumps({"fid": value, **seconds, "megabytes": _peak() - before}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
