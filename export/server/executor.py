"""Runs models in threads, with a bounded queue, timeouts and optional batching."""

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


class ThreadPool:
    """Threads with a bounded queue.

    Args:
        count: int, number of threads.
        queue: int, number of calls that may run or wait; further calls are refused.
    """

    def __init__(self, count: int, queue: int):
        self._pool = concurrent.futures.ThreadPoolExecutor(count, thread_name_prefix="model")
        self._places = threading.BoundedSemaphore(queue)

    async def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Calls a function in a thread.

        A call that is cancelled while it waits never runs. A call that is cancelled while it runs
        keeps its place in the queue until it ends, so that cancelled calls cannot accumulate.

        Raises:
            ServingError: UNAVAILABLE if the queue is full.
        """
        if not self._places.acquire(blocking=False):
            raise ServingError(Code.UNAVAILABLE, "The queue of requests is full; try again later.")
        future = self._pool.submit(function, *arguments)
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drops the waiting calls; running ones end with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Runner:
    """Computes signatures, with or without batching.

    Args:
        threads: the threads that compute.
        metrics: receives the times.
        batching: sizes and timeouts of batches, None for no batching.
        per_model: bool, whether each version's own parameters replace `batching`, except for the
            number of threads.
    """

    def __init__(
        self,
        threads: ThreadPool,
        metrics: Metrics,
        batching: Batching | None,
        *,
        per_model: bool = False,
    ):
        self._threads = threads
        self._metrics = metrics
        self._batching = batching
        self._per_model = per_model
        self._shared_batcher = Batcher(batching, threads.run, metrics) if batching else None
        self._batchers: weakref.WeakKeyDictionary[LoadedModel, Batcher | None] = (
            weakref.WeakKeyDictionary()
        )

    def _batcher(self, model: LoadedModel) -> Batcher | None:
        if not (self._batching and self._per_model):
            return self._shared_batcher
        if model not in self._batchers:
            batcher = None
            if model.batching:
                batching = dataclasses.replace(model.batching, threads=self._batching.threads)
                batcher = Batcher(batching, self._threads.run, self._metrics)
            self._batchers[model] = batcher
        return self._batchers[model]

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
        """Computes outputs of a signature; the inputs must have passed its check.

        Raises:
            ServingError: DEADLINE_EXCEEDED after `timeout` seconds, UNAVAILABLE for a full queue,
                or the failure of the graph.
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
        seconds = time.perf_counter() - start
        self._metrics.observe(
            "runtime_latency", seconds, model_name=model.name, API=api, runtime="TF1"
        )
        self._metrics.observe(
            "signature_latency", seconds, model_name=model.name, signature=signature.name
        )
        return result
