"""Measures batch sizes and timeouts of a SavedModel on this machine, and writes the best ones."""

import asyncio
import dataclasses
import os
import pathlib
import time

import numpy as np

from export.check_requests import MAX_BATCH, CheckRequest
from export.server.batching import Batcher
from export.server.config import BATCHING_FILE, Batching
from export.server.executor import ThreadPool
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature

_SIZES = tuple(2**i for i in range(8) if 2**i <= MAX_BATCH)
_SECONDS = 0.5
_ENOUGH = 0.95  # Share of the best throughput; larger batches only add latency.


@dataclasses.dataclass(frozen=True)
class BatchingMeasurement:
    """Throughput of a signature by batch size and by timeout.

    Args:
        signature: name of the signature.
        rows_per_second: throughput of direct calls, by batch size.
        requests_per_second: throughput with batching, by timeout in microseconds, for as many
            clients as a batch has rows.
        unbatched_per_second: throughput without batching, for the same clients.
    """

    signature: str
    rows_per_second: dict[int, float]
    requests_per_second: dict[int, float]
    unbatched_per_second: float

    @property
    def max_batch_size(self) -> int:
        """The smallest batch size that is nearly as fast as the fastest."""
        return _smallest_fast(self.rows_per_second)

    @property
    def timeout_micros(self) -> int:
        """The shortest timeout that is nearly as fast as the fastest."""
        return _smallest_fast(self.requests_per_second)

    @property
    def gain(self) -> float:
        """Requests per second with batching, relative to those without."""
        return self.requests_per_second[self.timeout_micros] / self.unbatched_per_second

    def text(self) -> str:
        """Returns the content of `batching_params.pbtxt`."""
        allowed = [n for n in self.rows_per_second if n <= self.max_batch_size]
        rows = ", ".join(f"{n}: {speed:.0f}" for n, speed in self.rows_per_second.items())
        lines = [
            f"# Measured on {self.signature}, {_threads()} threads. Rows per second by batch size:",
            f"# {rows}.",
            f"# With {self.max_batch_size} clients, batching answers {self.gain:.2f} times as many "
            "requests per second.",
            f"max_batch_size {{ value: {self.max_batch_size} }}",
            f"batch_timeout_micros {{ value: {self.timeout_micros} }}",
            f"num_batch_threads {{ value: {_threads()} }}",
            "max_enqueued_batches { value: 100 }",
            *(f"allowed_batch_sizes: {n}" for n in allowed),
        ]
        return "\n".join(lines) + "\n"


def _smallest_fast(speeds: dict[int, float]) -> int:
    best = max(speeds.values())
    return min(n for n, speed in speeds.items() if speed >= _ENOUGH * best)


def write_batching_parameters(folder: pathlib.Path, request: CheckRequest) -> BatchingMeasurement:
    """Measures a SavedModel and writes `batching_params.pbtxt` to its folder.

    Args:
        folder: the SavedModel.
        request: a request to the signature to measure; its first row is repeated.
    """
    model = LoadedModel("measured", 1, folder)
    try:
        measurement = measure_batching(model, request)
    finally:
        model.close()
    (folder / BATCHING_FILE).write_text(measurement.text())
    return measurement


def measure_batching(model: LoadedModel, request: CheckRequest) -> BatchingMeasurement:
    """Measures batch sizes by direct calls, then timeouts by the server's own batcher."""
    signature = model.signatures[request.signature]
    row = {name: value[:1] for name, value in request.inputs.items()}
    rows_per_second = {
        size: size * _calls_per_second(model, signature, _repeat(row, size)) for size in _SIZES
    }
    clients = _smallest_fast(rows_per_second)
    single = 1e6 / rows_per_second[1]  # A timeout longer than one computation does not pay.
    speeds = {
        timeout: asyncio.run(_requests_per_second(model, signature, row, clients, timeout))
        for timeout in sorted({0, round(single / 4), round(single)})
    }
    unbatched = asyncio.run(_requests_per_second(model, signature, row, clients, None))
    return BatchingMeasurement(request.signature, rows_per_second, speeds, unbatched)


def _repeat(row: Arrays, size: int) -> Arrays:
    return {name: np.repeat(value, size, axis=0) for name, value in row.items()}


def _calls_per_second(model: LoadedModel, signature: ServedSignature, inputs: Arrays) -> float:
    outputs = signature.select_outputs(())
    model.run(signature.name, inputs, outputs)
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < _SECONDS:
        model.run(signature.name, inputs, outputs)
        calls += 1
    return calls / (time.perf_counter() - start)


async def _requests_per_second(
    model: LoadedModel, signature: ServedSignature, row: Arrays, clients: int, timeout: int | None
) -> float:
    """Measures clients that send the next request as soon as they have an answer.

    Args:
        model: the model.
        signature: the signature to measure.
        row: inputs of one row.
        clients: number of concurrent clients, and the largest batch size.
        timeout: batching timeout in microseconds, None for no batching.
    """
    threads = ThreadPool(_threads(), 10 * clients)
    outputs = signature.select_outputs(())
    batcher = None
    if timeout is not None:
        sizes = tuple(size for size in _SIZES if size <= clients)
        batching = Batching(clients, timeout / 1e6, 100, _threads(), sizes)
        batcher = Batcher(batching, threads.run, Metrics())
    answers, end = 0, time.perf_counter() + _SECONDS

    async def client() -> None:
        nonlocal answers
        while time.perf_counter() < end:
            if batcher:
                await batcher.run(model, signature, row, outputs)
            else:
                await threads.run(model.run, signature.name, row, outputs)
            answers += 1

    start = time.perf_counter()
    try:
        await asyncio.gather(*(client() for _ in range(clients)))
    finally:
        threads.close()
    return answers / (time.perf_counter() - start)


def _threads() -> int:
    return os.cpu_count() or 1
