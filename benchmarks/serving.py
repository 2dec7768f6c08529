"""`python -m benchmarks.serving DIR/NAME`: how fast a served model answers, on this machine.

Measures the local server over loopback, at 1, 8 and 64 clients, alone and batched, by REST and by
gRPC, against calling the SavedModel directly at batch 1, 8 and 64, and with `--peer PYTHON` against
KServe's SDK serving the same file. The server and its clients share the machine: the columns beside
the speeds say how much of it each took, and how much other processes took or the host withheld.
Every measurement ends after a fixed number of seconds.
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
from benchmarks.serving_requests import Ask, Inputs, example_requests, grpc_asker, rest_asker
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
    """What a measurement gave.

    Args:
        way: `"direct"`, `"REST"`, `"gRPC"` or `"KServe"`.
        signature: of the model.
        size: int, clients at a time, or rows of a direct call.
        mode: `"alone"`, `"batched"`, or "" where there is no such thing.
        per_second: answers (or rows, for direct calls) per second.
        p50: milliseconds, the median.
        p99: milliseconds, what 99 of 100 are faster than.
        errors: int, requests that failed.
        server_ms: milliseconds of the server's processor time a request; 0 for direct calls.
        others: share of the machine that neither server nor clients had, though it was not idle.
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
        """Returns it as a row of the table."""
        name = f"{self.way:<7}{self.signature:<18}{self.size:>3} {self.mode:<8}"
        numbers = f"{self.per_second:10.1f} {self.p50:9.2f} {self.p99:9.2f} {self.server_ms:9.2f}"
        return f"{name} {numbers} {self.others:7.0%} {self.errors:6d}"


HEAD = (
    f"{'way':<7}{'signature':<18}{'n':>3} {'':<8} {'1/s':>10} {'p50 ms':>9} {'p99 ms':>9} "
    f"{'server ms':>9} {'others':>7} {'errors':>6}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the table and what it says of the aims, and returns the exit code."""
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
                for way, make in (("REST", rest_asker), ("gRPC", grpc_asker)):
                    port = server.rest_port if way == "REST" else server.grpc_port
                    for clients in options.clients or CLIENTS:
                        asks = [make(port, model.name, name, inputs) for _ in range(clients)]
                        speed = measure(asks, options.seconds, server)
                        yield dataclasses.replace(speed, way=way, signature=name, mode=mode)
    if options.peer:
        for name, inputs in requests.items():
            with _peer(options.peer, model, name) as server:
                for clients in options.clients or CLIENTS:
                    asks = [
                        rest_asker(server.rest_port, model.name, None, inputs)
                        for _ in range(clients)
                    ]
                    speed = measure(asks, options.seconds, server)
                    yield dataclasses.replace(speed, way="KServe", signature=name)


def aims(speeds: list[Speed]) -> list[str]:
    """Returns what the measurements say of the project's aims."""
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
    """Measures the SavedModel without any server; rows per second."""
    import tensorflow as tf

    # The signature's graph is freed with the object that it was loaded with.
    loaded = tf.saved_model.load(str(model / str(newest(model))))
    function = loaded.signatures[signature]
    inputs = {k: tf.constant(np.repeat(v, batch, axis=0)) for k, v in rows.items()}

    def ask() -> None:
        for value in function(**inputs).values():
            value.numpy()

    speed = measure([ask], seconds)
    rows_per_second = speed.per_second * batch
    return dataclasses.replace(speed, signature=signature, size=batch, per_second=rows_per_second)


def measure(asks: list[Ask], seconds: float, server: Server | None = None) -> Speed:
    """Has each of these called again and again, at the same time, each in a thread of its own."""
    until = time.perf_counter() + _WARMUP_SECONDS
    while time.perf_counter() < until:
        asks[0]()
    times: list[float] = []
    errors: list[str] = []
    machine, own = _busy_seconds(), time.process_time()
    servers = server.cpu_seconds() if server else 0.0
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
    servers = server.cpu_seconds() - servers if server else 0.0
    others = _busy_seconds() - machine - (time.process_time() - own) - servers
    p50, p99 = np.percentile(times, (50, 99)) * 1e3
    return Speed(
        way="direct",
        signature="",
        size=len(asks),
        mode="",
        per_second=len(times) / took,
        p50=float(p50),
        p99=float(p99),
        errors=len(errors),
        server_ms=servers / len(times) * 1e3,
        others=max(0.0, others / (took * (os.cpu_count() or 1))),
    )


def _busy_seconds() -> float:
    """Returns the processor time of all processes so far, and what the host did not give."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    busy = user + nice + system + irq + softirq + steal
    return busy / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _peer(python: str, model: pathlib.Path, signature: str) -> Iterator[Server]:
    """Runs KServe's server of one signature."""
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
    parser.add_argument("model", metavar="DIR/NAME", help="an exported model's folder")
    parser.add_argument(
        "--signature", action="append", help="measure only this one; may be given several times"
    )
    parser.add_argument("--clients", type=int, nargs="+", help="how many at a time (1 8 64)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a measurement")
    parser.add_argument("--peer", metavar="PYTHON", help="a Python with kserve and tensorflow")
    parser.add_argument("--json", metavar="FILE", help="write the numbers there too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
