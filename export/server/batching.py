"""Micro-batching: computes concurrent requests to a signature in one batch."""

import asyncio
import collections
import dataclasses
from collections.abc import Awaitable, Callable

import numpy as np

from export.server.config import Batching
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature
from export.server.status import Code, ServingError, invalid

Key = tuple
RunInThread = Callable[..., Awaitable]


@dataclasses.dataclass(frozen=True, eq=False)
class _Request:
    """A request in the queue."""

    inputs: Arrays
    rows: int
    answer: asyncio.Future
    since: float


class Batcher:
    """Collects requests with the same signature and shapes, and computes them in batches.

    A batch starts when a thread is free and the batch is full or its first request has waited for
    the timeout. If a batch fails, its requests are computed one by one, so that an invalid request
    does not fail the others. (TF Serving fails the whole batch.)

    Args:
        batching: sizes and timeouts.
        run_in_thread: coroutine function that calls a function in a thread.
        metrics: receives the waiting times.
    """

    def __init__(self, batching: Batching, run_in_thread: RunInThread, metrics: Metrics):
        self._batching = batching
        self._run_in_thread = run_in_thread
        self._metrics = metrics
        self._queues: dict[Key, collections.deque[_Request]] = {}
        self._running = 0
        self._tasks: set[asyncio.Task] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(
        self,
        model: LoadedModel,
        signature: ServedSignature,
        inputs: Arrays,
        outputs: tuple[str, ...],
    ) -> dict[str, np.ndarray]:
        """Computes a request, in a batch with others.

        Raises:
            ServingError: INVALID_ARGUMENT for inputs without a common first dimension or with more
                rows than a batch, UNAVAILABLE for a full queue, or the failure of the graph.
        """
        rows = self._rows(inputs)
        shapes = tuple((name, self._batch_key(value)) for name, value in inputs.items())
        key = (model, signature.name, outputs, shapes)
        queue = self._queues.setdefault(key, collections.deque())
        limit = self._batching.max_batch_size * self._batching.max_enqueued_batches
        if sum(request.rows for request in queue) + rows > limit:
            raise ServingError(
                Code.UNAVAILABLE,
                "The batch scheduling queue to which this task was submitted is full",
            )
        loop = asyncio.get_running_loop()
        request = _Request(inputs, rows, loop.create_future(), loop.time())
        queue.append(request)
        # Called later, so that requests that have already arrived join the batch.
        loop.call_soon(self._start_batches)
        return await request.answer

    def _rows(self, inputs: Arrays) -> int:
        sizes = {value.shape[0] if value.ndim else None for value in inputs.values()}
        if None in sizes:
            raise invalid("Batching input tensors must have at least one dimension")
        if len(sizes) != 1:
            raise invalid("Batching input tensors supplied in a given call must have equal 0th dim")
        rows = sizes.pop() or 0
        if rows > self._batching.max_batch_size:
            raise invalid(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self._batching.max_batch_size}"
            )
        return rows

    def _batch_key(self, value: np.ndarray) -> tuple[int, ...] | int:
        return value.ndim if self._batching.pad_variable_length_inputs else value.shape[1:]

    def _start_batches(self) -> None:
        """Starts the batches that are ready, and sets a timer for the others."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        now = asyncio.get_running_loop().time()
        due: list[float] = []
        for key, queue in list(self._queues.items()):
            while queue and self._running < self._batching.threads:
                ready_at = queue[0].since + self._batching.timeout_seconds
                full = sum(request.rows for request in queue) >= self._batching.max_batch_size
                if not full and now < ready_at:
                    due.append(ready_at)
                    break
                self._start_batch(key, self._take_batch(queue))
            if not queue:
                del self._queues[key]
        if due:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(min(due), self._start_batches)

    def _take_batch(self, queue: collections.deque[_Request]) -> list[_Request]:
        batch: list[_Request] = []
        rows = 0
        while queue and rows + queue[0].rows <= self._batching.max_batch_size:
            request = queue.popleft()
            if not request.answer.done():  # Done means cancelled: a lost client or a timeout.
                batch.append(request)
                rows += request.rows
        return batch

    def _start_batch(self, key: Key, batch: list[_Request]) -> None:
        if not batch:
            return
        self._running += 1
        task = asyncio.get_running_loop().create_task(self._compute(key, batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compute(self, key: Key, batch: list[_Request]) -> None:
        model, signature, outputs, _ = key
        now = asyncio.get_running_loop().time()
        for request in batch:
            waited = now - request.since
            self._metrics.observe("batching_session:queuing_latency", waited)
        try:
            answers = await self._answers(model, signature, outputs, batch)
        finally:
            self._running -= 1
            self._start_batches()
        for request, answer in zip(batch, answers, strict=True):
            if request.answer.done():
                continue
            if isinstance(answer, BaseException):
                request.answer.set_exception(answer)
            else:
                request.answer.set_result(answer)

    async def _answers(
        self, model: LoadedModel, signature: str, outputs: tuple[str, ...], batch: list[_Request]
    ) -> list[dict[str, np.ndarray] | Exception]:
        def compute(requests: list[_Request]) -> list[dict[str, np.ndarray]]:
            rows = [request.rows for request in requests]
            joined = join([r.inputs for r in requests], self._padded_size(sum(rows)))
            return split(model.run(signature, joined, outputs), rows)

        try:
            with model.in_use():
                return await self._run_in_thread(compute, batch)
        except Exception as error:
            if len(batch) == 1:
                return [error]
        answers: list[dict[str, np.ndarray] | Exception] = []
        for request in batch:
            answers += await self._answers(model, signature, outputs, [request])
        return answers

    def _padded_size(self, rows: int) -> int:
        return next((size for size in self._batching.allowed_sizes if size >= rows), rows)


def join(requests: list[Arrays], size: int) -> dict[str, np.ndarray]:
    """Concatenates the inputs of requests and pads them to `size` rows with the first row.

    Arrays of smaller inner shapes are padded to the largest one with their own first value.
    """
    joined: dict[str, np.ndarray] = {}
    for name in requests[0]:
        parts = [request[name] for request in requests]
        largest = np.max([part.shape[1:] for part in parts], axis=0)
        parts = [_padded(part, largest) for part in parts]
        missing = size - sum(len(part) for part in parts)
        if missing > 0:
            first = next((part[:1] for part in parts if len(part)), None)
            if first is not None:
                parts.append(np.repeat(first, missing, axis=0))
        joined[name] = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return joined


def _padded(value: np.ndarray, inner: np.ndarray) -> np.ndarray:
    if value.shape[1:] == tuple(inner) or not value.size:
        return value
    widths = [(0, 0), *((0, int(n) - m) for n, m in zip(inner, value.shape[1:], strict=True))]
    return np.pad(value, widths, constant_values=value.flat[0])


def split(outputs: Arrays, rows: list[int]) -> list[dict[str, np.ndarray]]:
    """Splits outputs into those of each request, and drops the padding.

    Raises:
        ServingError: FAILED_PRECONDITION for an output without the batch dimension.
    """
    ends = np.cumsum(rows)
    for name, value in outputs.items():
        if value.ndim == 0 or len(value) < ends[-1]:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                f"Batched output tensor {name} has the shape {list(value.shape)}; its 0th dimension"
                f" does not equal the sum of the 0th dimension sizes of the inputs, {ends[-1]}",
            )
    return [
        {name: value[end - count : end] for name, value in outputs.items()}
        for end, count in zip(ends.tolist(), rows, strict=True)
    ]
