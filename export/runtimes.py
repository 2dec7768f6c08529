"""What runs ONNX and LiteRT files: arrays by name in, arrays by name out."""

import pathlib
from collections.abc import Mapping
from typing import Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]


class Runtime(Protocol):
    """A loaded file.

    Args:
        path: the file.
    """

    def __init__(self, path: pathlib.Path): ...

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs."""


class OnnxRuntime(Runtime):
    """An ONNX file in onnxruntime, on the CPU."""

    def __init__(self, path: pathlib.Path):
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs."""
        return dict(zip(self._names, self._session.run(self._names, dict(inputs)), strict=True))


class LiteRtRuntime(Runtime):
    """A LiteRT file in its interpreter."""

    def __init__(self, path: pathlib.Path):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path))
        self._interpreter.allocate_tensors()
        self._runner = self._interpreter.get_signature_runner()

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes all outputs; the signature's runner resizes the inputs to the batch."""
        return dict(self._runner(**inputs))
