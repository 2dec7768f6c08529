"""How an artefact is best batched on this machine: measured, and written for its servers."""

import asyncio
import dataclasses
import os
import pathlib
import time

import numpy as np

from export.check_requests import MAX_BATCH, Case
from export.server.batching import Batcher
from export.server.config import BATCHING_FILE, Batching
from export.server.executor import Threads
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature

_SIZES = tuple(2**i for i in range(8) if 2**i <= MAX_BATCH)
_SECONDS = 0.5
_ENOUGH = 0.95  # Of the best throughput: larger batches cost latency for nothing.


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured.

    Args:
        signature: on which signature.
        rows_per_second: of each batch size, computed directly.
        answers_per_second: of each timeout in microseconds, with as many clients as rows fit.
        alone_per_second: answers without batching, with the same clients.
    """

    signature: str
    rows_per_second: dict[int, float]
    answers_per_second: dict[int, float]
    alone_per_second: float

    @property
    def max_batch_size(self) -> int:
        """The smallest size that is nearly as fast as the fastest."""
        best = max(self.rows_per_second.values())
        return min(n for n, speed in self.rows_per_second.items() if speed >= _ENOUGH * best)

    @property
    def timeout_micros(self) -> int:
        """The shortest timeout that is nearly as fast as the fastest."""
        best = max(self.answers_per_second.values())
        return min(t for t, speed in self.answers_per_second.items() if speed >= _ENOUGH * best)

    @property
    def gain(self) -> float:
        """Answers per second with batching, relative to those without."""
        return self.answers_per_second[self.timeout_micros] / self.alone_per_second

    def text(self) -> str:
        """Returns the parameters' file."""
        allowed = [n for n in self.rows_per_second if n <= self.max_batch_size]
        rows = ", ".join(f"{n}: {speed:.0f}" for n, speed in self.rows_per_second.items())
        lines = [
            f"# Measured on {self.signature}, {_threads()} threads. Rows per second by batch size:",
            f"# {rows}.",
            f"# With {self.max_batch_size} clients, batching answers {self.gain:.2f} times as many "
            "requests as computing",
            "# each alone.",
            f"max_batch_size {{ value: {self.max_batch_size} }}",
            f"batch_timeout_micros {{ value: {self.timeout_micros} }}",
            f"num_batch_threads {{ value: {_threads()} }}",
            "max_enqueued_batches { value: 100 }",
            *(f"allowed_batch_sizes: {n}" for n in allowed),
        ]
        return "\n".join(lines) + "\n"


def write(folder: pathlib.Path, case: Case) -> Measured:
    """Measures a SavedModel and writes `batching_params.pbtxt` into its folder.

    Args:
        folder: the SavedModel.
        case: a request of the signature to measure; its first row is repeated.
    """
    model = LoadedModel("measured", 1, folder)
    try:
        measured = measure(model, case)
    finally:
        model.close()
    (folder / BATCHING_FILE).write_text(measured.text())
    return measured


def measure(model: LoadedModel, case: Case) -> Measured:
    """Measures batch sizes directly, then timeouts with the server's own batcher."""
    signature = model.signatures[case.signature]
    row = {name: value[:1] for name, value in case.inputs.items()}
    direct = {size: size * _calls(model, signature, _repeat(row, size)) for size in _SIZES}
    measured = Measured(case.signature, direct, {0: 1.0}, 1.0)
    largest = measured.max_batch_size
    single = 1e6 / direct[1]  # Waiting for longer than a computation takes never pays.
    timeouts = sorted({0, round(single / 4), round(single)})
    speeds = {t: asyncio.run(_batched(model, signature, row, largest, t)) for t in timeouts}
    alone = asyncio.run(_batched(model, signature, row, largest, None))
    return dataclasses.replace(measured, answers_per_second=speeds, alone_per_second=alone)


def _repeat(row: Arrays, size: int) -> Arrays:
    return {name: np.repeat(value, size, axis=0) for name, value in row.items()}


def _calls(model: LoadedModel, signature: ServedSignature, inputs: Arrays) -> float:
    """Returns calls per second; one thread a core, as servers have."""
    outputs = signature.choose(())
    model.run(signature.name, inputs, outputs)
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < _SECONDS:
        model.run(signature.name, inputs, outputs)
        calls += 1
    return calls / (time.perf_counter() - start)


async def _batched(
    model: LoadedModel, signature: ServedSignature, row: Arrays, clients: int, timeout: int | None
) -> float:
    """Returns answers per second of clients that ask again as soon as they are answered."""
    threads = Threads(_threads(), 10 * clients)
    outputs = signature.choose(())
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
