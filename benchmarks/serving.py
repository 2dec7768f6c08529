"""`python -m benchmarks.serving DIR/NAME`: measures the speed of a served model on this machine.

Measures the local server over loopback with 1, 8 and 64 clients, with and without batching, by REST
and by gRPC. Compares it with direct calls of the SavedModel in batches, and with `--peer PYTHON`
with KServe's SDK and the same file. The server and its clients share the machine, so the table also
shows the processor time of the server and the share of other processes and of the host. Every
measurement takes a fixed number of seconds.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.machine import describe
from benchmarks.serving_requests import Inputs, Send, example_requests, grpc_sender, rest_sender
from benchmarks.serving_server import Server, free_port, newest, serving

CLIENTS = (1, 8, 64)
DIRECT_BATCHES = (1, 8, 32, 64)
BATCHED = "batched"
ALONE = "alone"
_WARMUP_SECONDS = 0.5
_PEER = pathlib.Path(__file__).with_name("serving_peer.py")
_START_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Speed:
    """Result of a measurement.

    Args:
        way: `"direct"`, `"REST"`, `"gRPC"` or `"KServe"`.
        signature: signature of the model.
        size: int, number of concurrent clients, or of rows of a direct call.
        mode: `"alone"`, `"batched"`, or "" for direct calls and KServe.
        per_second: answers (or rows of direct calls) per second.
        p50: median time in milliseconds.
        p99: 99th percentile of the times in milliseconds.
        errors: int, number of requests that failed.
        server_ms: processor time of the server per request in milliseconds; 0 for direct calls.
        others: share of the machine's processor time that other processes and the host took.
    """

    way: str
    signature: str
    size: int
    mode: str
    per_second: float
    p50: float
    p99: float
    errors: int = 0
    server_ms: float = 0.0
    others: float = 0.0

    def line(self) -> str:
        """Returns one row of the table."""
        name = f"{self.way:<7}{self.signature:<18}{self.size:>3} {self.mode:<8}"
        numbers = f"{self.per_second:10.1f} {self.p50:9.2f} {self.p99:9.2f} {self.server_ms:9.2f}"
        return f"{name} {numbers} {self.others:7.0%} {self.errors:6d}"


HEAD = (
    f"{'way':<7}{'signature':<18}{'n':>3} {'':<8} {'1/s':>10} {'p50 ms':>9} {'p99 ms':>9} "
    f"{'server ms':>9} {'others':>7} {'errors':>6}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the table and the project's aims, and returns the exit code."""
    options = _parser().parse_args(arguments)
    model = pathlib.Path(options.model).absolute()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    requests = {
        name: rows
        for name, rows in example_requests(model).items()
        if not options.signature or name in options.signature
    }
    if not requests:
        raise SystemExit(f"error: {model} has no signature {', '.join(options.signature)}")
    print(f"{model.name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n{HEAD}")
    speeds = []
    for speed in _measurements(model, requests, options):
        print(speed.line(), flush=True)
        speeds.append(speed)
    print("\n".join(aims(speeds)))
    if options.json:
        rows = [dataclasses.asdict(speed) for speed in speeds]
        document = {"model": model.name, "machine": describe(), "speeds": rows}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _measurements(
    model: pathlib.Path, requests: dict[str, Inputs], options: argparse.Namespace
) -> Iterator[Speed]:
    for name, inputs in requests.items():
        for batch in DIRECT_BATCHES:
            yield direct(model, name, inputs, batch, options.seconds)
    for mode in (ALONE, BATCHED):
        flags = [f"--enable-batching={str(mode == BATCHED).lower()}"]
        if mode == BATCHED and (model / str(newest(model)) / "batching_params.pbtxt").is_file():
            flags.append("--enable-per-model-batching-parameters")
        with serving(model, *flags) as server:
            for name, inputs in requests.items():
                for way, make in (("REST", rest_sender), ("gRPC", grpc_sender)):
                    port = server.rest_port if way == "REST" else server.grpc_port
                    for clients in options.clients or CLIENTS:
                        senders = [make(port, model.name, name, inputs) for _ in range(clients)]
                        speed = measure(senders, options.seconds, server)
                        yield dataclasses.replace(speed, way=way, signature=name, mode=mode)
    if options.peer:
        for name, inputs in requests.items():
            with _peer(options.peer, model, name) as server:
                for clients in options.clients or CLIENTS:
                    senders = [
                        rest_sender(server.rest_port, model.name, None, inputs)
                        for _ in range(clients)
                    ]
                    speed = measure(senders, options.seconds, server)
                    yield dataclasses.replace(speed, way="KServe", signature=name)


def aims(speeds: list[Speed]) -> list[str]:
    """Returns one line per aim of the project, with the ratio that was measured."""
    by = {(s.way, s.signature, s.size, s.mode): s for s in speeds}
    lines = []
    for name in dict.fromkeys(speed.signature for speed in speeds):
        one, alone = by.get(("direct", name, 1, "")), by.get(("REST", name, 1, ALONE))
        if one and alone:
            lines.append(
                f"{name}: REST at 1 client takes {alone.p50 / one.p50:.2f} x a direct call"
            )
        many = [s for s in speeds if s.signature == name and s.way == "REST" and s.size == 64]
        best = max(many, key=lambda s: s.per_second, default=None)
        if not best:
            continue
        lines.append(
            f"{name}: REST at 64 clients, {best.mode}: p99 is {best.p99 / best.p50:.1f} x p50"
        )
        if bound := by.get(("direct", name, 32, "")):
            share = best.per_second / bound.per_second
            lines.append(f"{name}: REST at 64 clients is {share:.2f} of direct calls of 32 rows")
        if peer := by.get(("KServe", name, 64, "")):
            times = best.per_second / peer.per_second
            lines.append(f"{name}: REST at 64 clients is {times:.2f} x KServe")
    return lines


def direct(model: pathlib.Path, signature: str, rows: Inputs, batch: int, seconds: float) -> Speed:
    """Measures direct calls of the SavedModel, in rows per second."""
    import tensorflow as tf

    # Freeing the loaded object would free the graph of the signature.
    loaded = tf.saved_model.load(str(model / str(newest(model))))
    function = loaded.signatures[signature]
    inputs = {k: tf.constant(np.repeat(v, batch, axis=0)) for k, v in rows.items()}

    def call() -> None:
        for value in function(**inputs).values():
            value.numpy()

    speed = measure([call], seconds)
    rows_per_second = speed.per_second * batch
    return dataclasses.replace(speed, signature=signature, size=batch, per_second=rows_per_second)


def measure(senders: list[Send], seconds: float, server: Server | None = None) -> Speed:
    """Calls each of these functions repeatedly in its own thread, all at the same time."""
    until = time.perf_counter() + _WARMUP_SECONDS
    while time.perf_counter() < until:
        senders[0]()
    times: list[float] = []
    errors: list[str] = []
    machine, own = _busy_seconds(), time.process_time()
    servers = server.cpu_seconds() if server else 0.0
    end = time.perf_counter() + seconds

    def repeat(send: Send) -> None:
        while (start := time.perf_counter()) < end:
            try:
                send()
            except Exception as error:
                errors.append(str(error))
            times.append(time.perf_counter() - start)

    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(senders)) as pool:
        list(pool.map(repeat, senders))
    took = time.perf_counter() - begin
    servers = server.cpu_seconds() - servers if server else 0.0
    others = _busy_seconds() - machine - (time.process_time() - own) - servers
    p50, p99 = np.percentile(times, (50, 99)) * 1e3
    return Speed(
        way="direct",
        signature="",
        size=len(senders),
        mode="",
        per_second=len(times) / took,
        p50=float(p50),
        p99=float(p99),
        errors=len(errors),
        server_ms=servers / len(times) * 1e3,
        others=max(0.0, others / (took * (os.cpu_count() or 1))),
    )


def _busy_seconds() -> float:
    """Returns the processor time of all processes so far, with the time that the host withheld."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    busy = user + nice + system + irq + softirq + steal
    return busy / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _peer(python: str, model: pathlib.Path, signature: str) -> Iterator[Server]:
    """Runs KServe's server of one signature until the block ends."""
    port = free_port()
    folder = model / str(newest(model))
    command = [python, str(_PEER), str(folder), model.name, signature, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(process, port, 0)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _is_ready(server, model.name):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"error: {python} does not serve {model.name} with kserve")
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def _is_ready(server: Server, name: str) -> bool:
    connection = server.connect()
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", f"/v1/models/{name}")
        return connection.getresponse().status == 200
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("model", metavar="DIR/NAME", help="folder of an exported model")
    parser.add_argument(
        "--signature",
        action="append",
        help="signature to measure; may be given several times (default: all)",
    )
    parser.add_argument(
        "--clients", type=int, nargs="+", help="numbers of concurrent clients (default: 1 8 64)"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds per measurement")
    parser.add_argument("--peer", metavar="PYTHON", help="Python that has kserve and tensorflow")
    parser.add_argument("--json", metavar="FILE", help="file to write the results to")
    return parser


if __name__ == "__main__":
    sys.exit(main())
