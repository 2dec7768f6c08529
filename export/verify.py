"""Self-check of an exported SavedModel: compares it with its model, in TensorFlow alone."""

import errno
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.check_requests import Arrays, CheckRequest, check_requests
from export.server.status import ServingError
from export.signatures import Signature, Specs, signatures
from export.warmup_requests import replay_warmup
from export.write_errors import is_full
from zoo.networks.network import Network
from zoo.tasks import Task

TOLERANCE = 1e-5
LOW_PRECISION_TOLERANCE = 2e-2  # A few units in the last place of a bfloat16 near 1.
_RUNNER = pathlib.Path(__file__).with_name("isolated_runner.py")
_TIMEOUT_SECONDS = 1800
_PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}

Interface = dict[str, tuple[str, list[int | None]]]


class VerificationError(RuntimeError):
    """An exported file that differs from its model; it was not published."""


def verify(folder: pathlib.Path, task: Network) -> None:
    """Checks a SavedModel against its model.

    The SavedModel runs in a process that can import neither Keras nor the zoo, in batches of 1, 2,
    3 and 32. Its outputs must agree with the model's within 1e-5, uint8 images within one level. If
    the network computes in half precision, the bounds are 2e-2 and three levels. Dtypes and shapes
    must be those that were declared. Inputs of a wrong shape, rank or range must be refused. The
    graph must contain neither Python nor XLA operations. The warmup requests must succeed.

    Args:
        folder: the SavedModel.
        task: the model that was exported.

    Raises:
        VerificationError: the first check that fails.
    """
    declared = signatures(task)
    check_operations(folder)
    # Both processes compute on the CPU, because other devices round differently.
    with tf.device("CPU:0"):
        requests = check_requests(task, declared)
    interfaces, answers = _run_isolated(folder, requests)
    _check_interfaces(declared, interfaces)
    network = task.network if isinstance(task, Task) else task
    is_float32 = network.compute_dtype == "float32"
    for request, answer in zip(requests, answers, strict=True):
        check_answer(request, answer, TOLERANCE if is_float32 else LOW_PRECISION_TOLERANCE)
    try:
        replay_warmup(folder)
    except ServingError as error:
        raise VerificationError(f"The warmup requests fail: {error}") from error


def check_operations(folder: pathlib.Path) -> None:
    """Checks that servers have every operation of a SavedModel.

    Raises:
        VerificationError: an operation that runs Python code or needs XLA.
    """
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        functions = graph.library.function
        nodes = [*graph.node, *(node for function in functions for node in function.node_def)]
        for node in nodes:
            if node.op in _PYTHON_OPERATIONS:
                raise VerificationError(f"{node.name} runs Python code, which servers cannot run.")
        for item in [*nodes, *functions]:
            if item.attr["_XlaMustCompile"].b:
                raise VerificationError("A function needs XLA, which servers do not have.")


def _run_isolated(
    folder: pathlib.Path, requests: list[CheckRequest]
) -> tuple[dict[str, tuple[Interface, Interface]], list[Arrays | str]]:
    """Runs the SavedModel on all requests in an isolated process."""
    with tempfile.TemporaryDirectory() as scratch:
        request_file, result_file = pathlib.Path(scratch, "in"), pathlib.Path(scratch, "out")
        request_file.write_bytes(pickle.dumps([(r.signature, r.inputs) for r in requests]))
        files = [str(folder), str(request_file), str(result_file)]
        process = subprocess.run(
            [sys.executable, "-P", str(_RUNNER), *files],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )
        if process.returncode != 0 and is_full(process.stderr):
            raise OSError(errno.ENOSPC, process.stderr.splitlines()[-1])
        if process.returncode != 0:
            raise VerificationError(
                f"TensorFlow alone cannot run it (exit code {process.returncode}):\n"
                f"{process.stderr[-2000:]}"
            )
        results = pickle.loads(result_file.read_bytes())
    return results["interfaces"], results["answers"]


def _check_interfaces(
    declared: dict[str, Signature], interfaces: dict[str, tuple[Interface, Interface]]
) -> None:
    expected = {name: (_interface(s.inputs), _interface(s.outputs)) for name, s in declared.items()}
    if interfaces != expected:
        raise VerificationError(f"The signatures are {interfaces}, declared were {expected}.")


def _interface(specs: Specs) -> Interface:
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


def check_answer(request: CheckRequest, answer: Arrays | str, tolerance: float) -> None:
    """Compares an answer with the model's.

    Args:
        request: the request.
        answer: outputs by name, or the text of an error.
        tolerance: largest relative or absolute difference of floats.

    Raises:
        VerificationError: another answer than expected.
    """
    shapes = {name: np.shape(value) for name, value in request.inputs.items()}
    title = f"{request.signature} of {shapes}"
    if request.compare is None:
        if not isinstance(answer, str):
            raise VerificationError(f"{title} was answered and must be refused.")
        return
    if isinstance(answer, str):
        raise VerificationError(f"{title} failed: {answer}")
    for name, (value, expected) in request.compare(answer).items():
        if not _agree(value, expected, tolerance):
            raise VerificationError(f"{title}: {name} is {value}, the model's is {expected}.")


def _agree(value: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return False
    if value.dtype == np.uint8:
        levels = np.ceil(127.5 * tolerance)
        return bool(np.abs(value.astype(int) - expected.astype(int)).max() <= levels)
    if value.dtype.kind == "f":
        return np.allclose(value, expected, rtol=tolerance, atol=tolerance)
    return np.array_equal(value, expected)
