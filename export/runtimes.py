"""Runtimes of ONNX and LiteRT files, with arrays by name as inputs and outputs."""

import pathlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Runtime(Protocol):
    """A loaded file that computes outputs.

    Args:
        path: the file.
    """

    def __init__(self, path: pathlib.Path): ...

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs."""


class OnnxRuntime(Runtime):
    """Runs an ONNX file with onnxruntime on the CPU."""

    def __init__(self, path: pathlib.Path):
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs."""
        return dict(zip(self._names, self._session.run(self._names, dict(inputs)), strict=True))


class LiteRtRuntime(Runtime):
    """Runs a LiteRT file with its interpreter."""

    def __init__(self, path: pathlib.Path):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path))
        self._interpreter.allocate_tensors()
        self._runner = self._interpreter.get_signature_runner()

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs; the runner resizes the inputs to the batch size."""
        return dict(self._runner(**inputs))
