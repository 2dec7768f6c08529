"""Running models off the event loop: bounded, timed, and batched where asked for."""

import asyncio
import concurrent.futures
import dataclasses
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

from export.server.batching import Batcher
from export.server.config import Batching
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature
from export.server.status import Code, ServingError

Result = TypeVar("Result")


class Threads:
    """A few threads with a bounded queue in front.

    Args:
        count: int, threads.
        queue: int, calls that may run or wait; further ones are refused.
    """

    def __init__(self, count: int, queue: int):
        self._pool = concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix="model")
        self._places = threading.BoundedSemaphore(queue)

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Calls a function in a thread.

        Cancelled while it waits, it never runs; cancelled while it runs, it keeps its place in the
        queue until it has ended, so that calls that nobody waits for cannot pile up.

        Raises:
            ServingError: UNAVAILABLE where the queue is full.
        """
        if not self._places.acquire(blocking=False):
            raise ServingError(Code.UNAVAILABLE, "The queue of requests is full; try again later.")
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drops what waits; what runs ends with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Runner:
    """Computes signatures, in batches where `batching` says how.

    Args:
        threads: where.
        metrics: what takes the times.
        batching: None to compute each request alone.
        per_model: bool, whether each model's own parameters say how it is batched, and only their
            threads are those of `batching`.
    """

    def __init__(
        self,
        threads: Threads,
        metrics: Metrics,
        batching: Batching | None,
        *,
        per_model: bool = False,
    ):
        self._threads = threads
        self._metrics = metrics
        self._batching = batching
        self._per_model = per_model
        self._common = Batcher(batching, threads.run, metrics) if batching else None
        self._own: weakref.WeakKeyDictionary[LoadedModel, Batcher | None] = (
            weakref.WeakKeyDictionary()
        )

    def _batcher(self, model: LoadedModel) -> Batcher | None:
        if not (self._batching and self._per_model):
            return self._common
        if model not in self._own:
            own = None
            if model.batching:
                batching = dataclasses.replace(model.batching, threads=self._batching.threads)
                own = Batcher(batching, self._threads.run, self._metrics)
            self._own[model] = own
        return self._own[model]

    async def run(
        self,
        model: LoadedModel,
        signature: ServedSignature,
        inputs: Arrays,
        outputs: tuple[str, ...],
        *,
        api: str,
        timeout: float | None,
    ) -> Arrays:
        """Computes some outputs of a signature; the inputs have passed its check.

        Raises:
            ServingError: the graph's failure; DEADLINE_EXCEEDED after `timeout` seconds;
                UNAVAILABLE for a full queue.
        """
        start = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                if batcher := self._batcher(model):
                    result = await batcher.run(model, signature, inputs, outputs)
                else:
                    result = await self._threads.run(model.run, signature.name, inputs, outputs)
        except TimeoutError:
            message = f"Timed out after {timeout:.3f} seconds."
            raise ServingError(Code.DEADLINE_EXCEEDED, message) from None
        took = time.perf_counter() - start
        self._metrics.observe(
            "runtime_latency", took, model_name=model.name, API=api, runtime="TF1"
        )
        return result
