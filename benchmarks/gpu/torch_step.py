"""PyTorch's steps for `benchmarks.gpu.speed`, by the modes of a specification."""

import functools
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np

from benchmarks.gpu.builders import Makers, case_of
from benchmarks.gpu.specs import Spec
from benchmarks.train_step import cases, torch_gpu


def build(spec: Spec) -> Makers:
    """Returns what builds each mode: words of `eager`, `channels_last`, `bfloat16`, `graph`."""
    reference = _reference(spec)

    def make(mode: str) -> Callable[[], None]:
        contender = cases.Contender(
            mode,
            "torch",
            bfloat16="bfloat16" in mode,
            compiled="compiled" in mode,
            channels_last=mode != "eager",
            graph="graph" in mode,
        )
        return torch_gpu.Calls(case_of(spec), contender, reference, tf32=spec.tf32)

    return {mode: functools.partial(make, mode) for mode in spec.modes}


def _reference(spec: Spec) -> dict[str, np.ndarray]:
    """Gets weights, images and constants from this project's model, made in another process.

    TensorFlow in this process would take GPU memory of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "reference.npz"
        words = [spec.model, spec.network, str(spec.batch), str(int(spec.tiny)), str(path)]
        subprocess.run(
            [sys.executable, "-m", "benchmarks.gpu.torch_reference", json.dumps(words)],
            check=True,
            capture_output=True,
        )
        with np.load(path) as numbers:
            return dict(numbers)
