"""`python -m benchmarks.serving DIR/NAME`: how fast a served model answers, on this machine.

Measures the local server over loopback, at 1, 8 and 64 clients, with and without batching, against
calling the SavedModel directly; the server and its clients share the machine. Every measurement
ends after a fixed number of seconds.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

CLIENTS = (1, 8, 64)
DIRECT_BATCHES = (1, 8, 64)
_START_SECONDS = 180
_WARMUP_SECONDS = 0.5

Ask = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class Speed:
    """What a measurement gave.

    Args:
        per_second: answers (or rows, for direct calls) per second.
        p50: seconds, the median.
        p99: seconds, what 99 of 100 are faster than.
        errors: int, requests that failed.
    """

    per_second: float
    p50: float
    p99: float
    errors: int = 0

    def line(self, *names: object) -> str:
        """Returns it as a row of the table."""
        numbers = f"{self.per_second:10.1f} {self.p50 * 1e3:9.2f} {self.p99 * 1e3:9.2f}"
        return f"{'  '.join(str(n) for n in names):<44} {numbers} {self.errors:6d}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the table, and returns the exit code."""
    options = _parser().parse_args(arguments)
    model = pathlib.Path(options.model).absolute()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(f"{'':<44} {'1/s':>10} {'p50 ms':>9} {'p99 ms':>9} {'errors':>6}")
    requests = {
        name: rows
        for name, rows in example_requests(model).items()
        if not options.signature or name in options.signature
    }
    if not requests:
        raise SystemExit(f"error: {model} has no signature {', '.join(options.signature)}")
    for name in requests:
        for batch in DIRECT_BATCHES:
            speed = direct(model, name, batch, options.seconds)
            print(speed.line("direct", name, f"batch {batch}"), flush=True)
    for batching in (False, True):
        with _server(model, batching) as ports:
            for name, inputs in requests.items():
                for protocol in ("REST", "gRPC"):
                    for clients in CLIENTS:
                        asks = _askers(protocol, ports, model.name, name, inputs, clients)
                        speed = measure(asks, options.seconds)
                        label = "batching" if batching else "alone"
                        print(speed.line(protocol, name, f"{clients} clients", label), flush=True)
    return 0


def example_requests(model: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """Returns one row for each signature, from the version's own warmup requests.

    Raises:
        SystemExit: a folder without versions, or without warmup requests.
    """
    import tensorflow as tf

    from export.server import warmup

    versions = [p for p in model.glob("*") if p.name.isdigit()]
    if not versions:
        raise SystemExit(f"error: {model} has no versions; export something with python -m export")
    newest = max(versions, key=lambda path: int(path.name))
    requests: dict[str, dict[str, np.ndarray]] = {}
    for log in warmup.read(newest):
        if log.WhichOneof("log_type") == "predict_log":
            request = log.predict_log.request
            rows = {key: tf.make_ndarray(proto)[:1] for key, proto in request.inputs.items()}
            requests.setdefault(request.model_spec.signature_name, rows)
    if not requests:
        raise SystemExit(f"error: {newest} has no warmup requests to take examples from")
    return requests


def direct(model: pathlib.Path, signature: str, batch: int, seconds: float) -> Speed:
    """Measures the SavedModel without any server; rows per second."""
    import tensorflow as tf

    versions = [int(p.name) for p in model.glob("*") if p.name.isdigit()]
    function = tf.saved_model.load(str(model / str(max(versions)))).signatures[signature]
    rows = example_requests(model)[signature]
    inputs = {k: tf.constant(np.repeat(v, batch, axis=0)) for k, v in rows.items()}

    def ask() -> None:
        for value in function(**inputs).values():
            value.numpy()

    speed = measure([ask], seconds)
    return dataclasses.replace(speed, per_second=speed.per_second * batch)


def measure(asks: list[Ask], seconds: float) -> Speed:
    """Has each of these called again and again, at the same time, each in a thread of its own."""
    for ask in asks[:1]:
        until = time.perf_counter() + _WARMUP_SECONDS
        while time.perf_counter() < until:
            ask()
    times: list[float] = []
    errors: list[str] = []
    end = time.perf_counter() + seconds

    def repeat(ask: Ask) -> None:
        while (start := time.perf_counter()) < end:
            try:
                ask()
            except Exception as error:
                errors.append(str(error))
            times.append(time.perf_counter() - start)

    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(asks)) as pool:
        list(pool.map(repeat, asks))
    took = time.perf_counter() - begin
    p50, p99 = np.percentile(times, (50, 99))
    return Speed(len(times) / took, float(p50), float(p99), len(errors))


@contextlib.contextmanager
def _server(model: pathlib.Path, batching: bool) -> Iterator[tuple[int, int]]:
    """Runs the local server, and gives its ports when the model is available."""
    rest, rpc = _free_port(), _free_port()
    command = [sys.executable, "-m", "export.serve", "--engine=local"]
    command += [f"--model-base-path={model}", f"--model-name={model.name}"]
    command += [f"--rest-api-port={rest}", f"--port={rpc}", f"--enable-batching={batching}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _is_available(rest, model.name):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"error: the server of {model} does not come up")
            time.sleep(0.1)
        yield rest, rpc
    finally:
        process.terminate()
        process.wait(timeout=60)


def _is_available(port: int, name: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", f"/v1/models/{name}")
        return b'"AVAILABLE"' in connection.getresponse().read()
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _askers(
    protocol: str,
    ports: tuple[int, int],
    model: str,
    signature: str,
    inputs: dict[str, np.ndarray],
    clients: int,
) -> list[Ask]:
    make = _rest_asker if protocol == "REST" else _grpc_asker
    port = ports[0] if protocol == "REST" else ports[1]
    return [make(port, model, signature, inputs) for _ in range(clients)]


def _rest_asker(port: int, model: str, signature: str, inputs: dict[str, np.ndarray]) -> Ask:
    columns = {key: _to_json(value) for key, value in inputs.items()}
    body = json.dumps({"signature_name": signature, "inputs": columns}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask() -> None:
        connection.request("POST", f"/v1/models/{model}:predict", body)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(content[:200])

    return ask


def _to_json(value: np.ndarray) -> Any:
    if value.dtype == object:
        return [{"b64": base64.b64encode(content).decode()} for content in value]
    return value.tolist()


def _grpc_asker(port: int, model: str, signature: str, inputs: dict[str, np.ndarray]) -> Ask:
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def ask() -> None:
        stub.Predict(request, timeout=60)

    return ask


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("model", metavar="DIR/NAME", help="an exported model's folder")
    parser.add_argument(
        "--signature", action="append", help="measure only this one; may be given several times"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a measurement")
    return parser


if __name__ == "__main__":
    sys.exit(main())
