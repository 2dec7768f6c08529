"""Batching of concurrent requests."""

import asyncio
import concurrent.futures
import contextlib
import shutil

import numpy as np
import pytest

from export.server.batching import Batcher, join, split
from export.server.config import Batching, read_batching, read_metrics_path
from export.server.metrics import Metrics
from export.server.model import ServedSignature
from export.server.status import ServingError
from tests.support.server_process import serving


class Doubling:
    """A model that records its batches."""

    def __init__(self):
        self.batches = []

    def run(self, signature, inputs, outputs):
        values = inputs["x"]
        self.batches.append(values.tolist())
        if (values < 0).any():
            raise ServingError(3, "negative")
        return {"y": values * 2}

    def in_use(self):
        return contextlib.nullcontext()


def run(batching, *values):
    """Sends one request per value at the same time; returns the answers and the batches."""
    model, signature = Doubling(), ServedSignature("s", {}, {})

    async def run_in_thread(function, *arguments):
        await asyncio.sleep(0)
        return function(*arguments)

    async def main():
        batcher = Batcher(batching, run_in_thread, Metrics())
        calls = [batcher.run(model, signature, {"x": np.array(v)}, ("y",)) for v in values]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert not batcher._queues
        return answers

    answers = asyncio.run(main())
    texts = [str(a) if isinstance(a, Exception) else a["y"].tolist() for a in answers]
    return texts, model.batches


def test_concurrent_requests_form_one_batch():
    answers, batches = run(Batching(threads=1), [1], [2, 3], [4])
    assert answers == [[2], [4, 6], [8]]
    assert batches == [[1, 2, 3, 4]]


def test_batches_do_not_exceed_the_largest_size():
    answers, batches = run(Batching(max_batch_size=2, threads=1), [1], [2], [3])
    assert (answers, batches) == ([[2], [4], [6]], [[1, 2], [3]])
    answers, _ = run(Batching(max_batch_size=2), [1, 2, 3])
    assert answers == ["Task size 3 is larger than maximum input batch size 2"]


def test_batches_are_padded_with_a_real_row():
    batching = Batching(max_batch_size=8, allowed_sizes=(4, 8), threads=1)
    assert run(batching, [1], [2]) == ([[2], [4]], [[1, 2, 1, 1]])


def test_an_invalid_request_does_not_fail_the_others():
    answers, batches = run(Batching(threads=1), [1], [-1], [3])
    assert answers == [[2], "negative", [6]]
    assert batches == [[1, -1, 3], [1], [-1], [3]]


def test_a_full_queue_refuses_requests():
    batching = Batching(max_batch_size=1, max_enqueued_batches=2, threads=1)
    answers, _ = run(batching, [1], [2], [3])
    assert answers[:2] == [[2], [4]] and "is full" in answers[2]


def test_requests_of_other_shapes_form_other_batches_unless_padded():
    _, batches = run(Batching(threads=1), [[1]], [[2, 3]])
    assert batches == [[[1]], [[2, 3]]]
    padding = Batching(threads=1, pad_variable_length_inputs=True)
    _, batches = run(padding, [[1]], [[2, 3]])
    assert batches == [[[1, 1], [2, 3]]]


def test_an_incomplete_batch_waits_for_the_timeout():
    waiting = Batching(max_batch_size=3, timeout_seconds=0.05, threads=2)
    _, batches = run(waiting, [1], [2])
    assert batches == [[1, 2]]


def test_inputs_need_a_common_batch_size():
    assert "at least one dimension" in run(Batching(), 1)[0][0]
    with pytest.raises(ServingError, match="does not equal the sum"):
        split({"y": np.zeros(())}, [1])
    joined = join([{"x": np.zeros((0, 2))}], 4)
    assert joined["x"].shape == (0, 2)


def test_the_parameters_file():
    text = """max_batch_size { value: 8 } batch_timeout_micros { value: 2000 }
        max_enqueued_batches { value: 3 } num_batch_threads { value: 2 }
        allowed_batch_sizes: 4 allowed_batch_sizes: 8 pad_variable_length_inputs: true"""
    assert read_batching(text) == Batching(8, 0.002, 3, 2, (4, 8), True)
    assert read_batching("") == Batching()
    for wrong in (
        "max_batch_size: 8",
        "max_batch_size { value: 0 }",
        "allowed_batch_sizes: 4",
        "batch_size { value: 3 }",
    ):
        with pytest.raises(ServingError):
            read_batching(wrong)
    assert read_metrics_path("prometheus_config { enable: true path: '/m' }") == "/m"
    assert read_metrics_path("") is None


def test_the_server_batches(tmp_path, saved_model):
    shutil.copytree(saved_model, tmp_path / "m" / "1")
    parameters = tmp_path / "batching.config"
    parameters.write_text("max_batch_size { value: 4 } num_batch_threads { value: 1 }")
    monitoring = tmp_path / "monitoring.config"
    monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')
    with serving(
        *("--model-name=m", "--model-base-path", tmp_path / "m", "--enable-batching"),
        *("--batching-parameters-file", parameters, "--monitoring-config-file", monitoring),
        "--rest-api-enable-cors-support",
    ) as server:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            bodies = [{"instances": [float(n), 1.0]} for n in range(64)]
            answers = list(pool.map(server.predict, bodies))
        assert answers == [(200, {"predictions": [n / 2 + 2, 2.5]}) for n in range(64)]
        examples = {"signature_name": "regress", "examples": [{"x": 1.0}]}
        assert server.ask("POST", "/v1/models/m:regress", examples) == (200, {"results": [2.5]})
        for body, status in (
            ({"instances": [1.0] * 5}, 400),
            ({"signature_name": "scalar", "inputs": 1.0}, 400),
            ({"signature_name": "scalar", "inputs": [1.0]}, 400),
        ):
            actual, document = server.predict(body)
            assert (actual, list(document)) == (status, ["error"])
        _, headers, content = server.ask_raw("GET", "/metrics")
        assert headers["access-control-allow-origin"] == "*"
        assert b"batching_session:queuing_latency_count{} " in content
