"""The self-check of an artefact: it must do what the model does, with TensorFlow alone."""

import os
import pathlib
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.check_requests import Case, cases
from export.server.status import ServingError
from export.signatures import Signature, Specs, signatures
from export.warmup_requests import replay_warmup
from zoo.networks.network import Network
from zoo.tasks import Task

TOLERANCE = 1e-5
LOW_PRECISION_TOLERANCE = 2e-2  # A few units in the last place of a bfloat16 near 1.
_RUNNER = pathlib.Path(__file__).with_name("isolated_runner.py")
_TIMEOUT_SECONDS = 1800
_PYTHON_OPERATIONS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}

Border = dict[str, tuple[str, list[int | None]]]


class VerificationError(RuntimeError):
    """An artefact does not do what its model does; it was not published."""


def verify(folder: pathlib.Path, task: Network) -> None:
    """Checks a SavedModel against its model.

    In a process of its own that can import neither Keras nor the zoo, for batches of 1, 2 and 3:
    outputs within 1e-5 (2e-2 where the network computes in half precision), uint8 images within
    one level (three), dtypes and shapes as declared, and inputs
    of another shape, rank or range refused. The graph must hold no Python and no XLA, and its
    warmup requests must pass as servers replay them.

    Args:
        folder: the SavedModel.
        task: the model that it was made from.

    Raises:
        VerificationError: the first thing that is wrong.
    """
    declared = signatures(task)
    _check_operations(folder)
    # Both processes compute on the CPU: another device rounds differently.
    with tf.device("CPU:0"):
        asked = cases(task, declared)
    borders, answers = _run_bare(folder, asked)
    _check_borders(declared, borders)
    network = task.network if isinstance(task, Task) else task
    low = network.compute_dtype != "float32"
    for case, answer in zip(asked, answers, strict=True):
        _check_answer(case, answer, LOW_PRECISION_TOLERANCE if low else TOLERANCE)
    try:
        replay_warmup(folder)
    except ServingError as error:
        raise VerificationError(f"The warmup requests fail: {error}") from error


def _check_operations(folder: pathlib.Path) -> None:
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        functions = graph.library.function
        nodes = [*graph.node, *(node for function in functions for node in function.node_def)]
        for node in nodes:
            if node.op in _PYTHON_OPERATIONS:
                raise VerificationError(f"{node.name} runs Python code, which no server has.")
        for item in [*nodes, *functions]:
            if item.attr["_XlaMustCompile"].b:
                raise VerificationError("A function is to be compiled by XLA, which servers lack.")


def _run_bare(
    folder: pathlib.Path, asked: list[Case]
) -> tuple[dict[str, tuple[Border, Border]], list[dict[str, np.ndarray] | str]]:
    """Has the SavedModel answer every case in an isolated process."""
    with tempfile.TemporaryDirectory() as scratch:
        requests, results = pathlib.Path(scratch, "requests"), pathlib.Path(scratch, "results")
        requests.write_bytes(pickle.dumps([(case.signature, case.inputs) for case in asked]))
        command = [sys.executable, "-P", str(_RUNNER), str(folder), str(requests), str(results)]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS
        )
        if done.returncode != 0:
            raise VerificationError(
                f"TensorFlow alone cannot run it (exit code {done.returncode}):\n"
                f"{done.stderr[-2000:]}"
            )
        content = pickle.loads(results.read_bytes())
    return content["borders"], content["answers"]


def _check_borders(
    declared: dict[str, Signature], borders: dict[str, tuple[Border, Border]]
) -> None:
    expected = {name: (_border(s.inputs), _border(s.outputs)) for name, s in declared.items()}
    if borders != expected:
        raise VerificationError(f"Signatures are {borders}, declared were {expected}.")


def _border(specs: Specs) -> Border:
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


def _check_answer(case: Case, answer: dict[str, np.ndarray] | str, tolerance: float) -> None:
    shapes = {name: np.shape(value) for name, value in case.inputs.items()}
    asked = f"{case.signature} of {shapes}"
    if case.compare is None:
        if not isinstance(answer, str):
            raise VerificationError(f"{asked} was answered and must be refused.")
        return
    if isinstance(answer, str):
        raise VerificationError(f"{asked} failed: {answer}")
    for name, (value, expected) in case.compare(answer).items():
        if not _agree(value, expected, tolerance):
            raise VerificationError(f"{asked}: {name} is {value}, the model's is {expected}.")


def _agree(value: np.ndarray, expected: np.ndarray, tolerance: float) -> bool:
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return False
    if value.dtype == np.uint8:
        levels = np.ceil(127.5 * tolerance)
        return bool(np.abs(value.astype(int) - expected.astype(int)).max() <= levels)
    if value.dtype.kind == "f":
        return np.allclose(value, expected, rtol=tolerance, atol=tolerance)
    return np.array_equal(value, expected)
