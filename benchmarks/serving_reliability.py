"""`python -m benchmarks.serving_reliability swaps|memory|clients`: tests the server under load.

    swaps    64 clients send requests while ten versions replace each other: no request may fail,
             and every answer must come from a version that was loaded at that time
    memory   50,000 requests: the server's memory must not grow
    clients  clients disconnect during a request: the server must free their memory and files

Each test prints its results and has exit code 1 if it fails.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.serving_server import Server, example_values, post, serving

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CLIENTS = 64
SWAPS = 10
REQUESTS = 50_000
_GROWTH_BYTES = 30e6
_ONE = example_values([2.0])


class Answer(NamedTuple):
    """An answered request.

    Attributes:
        sent: time of the request in seconds.
        received: time of the answer in seconds.
        status: HTTP status.
        version: version of the model that answered; 0 for failures.
    """

    sent: float
    received: float
    status: int
    version: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one of the tests and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_reliability")
    parser.add_argument("what", choices=("swaps", "memory", "clients"), help=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the test swaps")
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help="number of requests of the test memory"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        if options.what == "swaps":
            faults = swaps(pathlib.Path(scratch), options.seconds)
        elif options.what == "memory":
            faults = memory(pathlib.Path(scratch), options.requests)
        else:
            faults = clients(pathlib.Path(scratch))
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def write_version(folder: pathlib.Path, version: int) -> None:
    """Writes a model that answers 2.0 with its version, and renames it to its final name."""
    import tensorflow as tf

    module = tf.Module()
    module.bias = tf.Variable(version - 1.0)
    spec = tf.TensorSpec([None], tf.float32, name="x")
    function = tf.function(lambda x: {"y": x / 2.0 + module.bias}).get_concrete_function(x=spec)
    aside = folder.parent / f".new-{version}"
    tf.saved_model.save(module, str(aside), signatures={"serving_default": function})
    aside.rename(folder / str(version))


def swaps(scratch: pathlib.Path, seconds: float) -> list[str]:
    """Replaces versions under load; returns the faults."""
    model, ready = scratch / "m", scratch / "ready" / "m"
    model.mkdir()
    ready.mkdir(parents=True)
    write_version(model, 1)
    for version in range(2, SWAPS + 2):
        write_version(ready, version)
    published, ended = {1: 0.0}, {}
    with serving(model, "--file-system-poll-wait-seconds=0.2") as server:
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            futures = [pool.submit(_send_until, server, stop) for _ in range(CLIENTS)]
            try:
                for version in range(2, SWAPS + 2):
                    time.sleep(seconds / (SWAPS + 1))
                    published[version] = time.perf_counter()
                    (ready / str(version)).rename(model / str(version))
                    server.wait_for("m", version)
                    server.wait_for("m", version - 1, "END")
                    ended[version - 1] = time.perf_counter()
                time.sleep(seconds / (SWAPS + 1))
            finally:
                stop.set()
            answers = [answer for future in futures for answer in future.result()]
    failed = [answer for answer in answers if answer.status != 200]
    wrong = [a for a in answers if a.status == 200 and not _loaded(a, published, ended)]
    versions = sorted({answer.version for answer in answers if answer.status == 200})
    print(
        f"{len(answers)} requests of {CLIENTS} clients, {len(published) - 1} swaps: {len(failed)} "
        f"failed, {len(wrong)} from a version that was not loaded; versions {versions}"
    )
    faults = [f"status {answer.status}" for answer in failed[:3]]
    faults += [f"version {a.version} answered at {a.received:.3f}" for a in wrong[:3]]
    if versions != list(range(1, SWAPS + 2)):
        faults.append(f"not every version answered: {versions}")
    return faults


def _send_until(server: Server, stop: threading.Event) -> list[Answer]:
    answers = []
    with contextlib.closing(server.connect()) as connection:
        while not stop.is_set():
            sent = time.perf_counter()
            status, content = post(connection, "m", _ONE)
            version = round(json.loads(content)["predictions"][0]) if status == 200 else 0
            answers.append(Answer(sent, time.perf_counter(), status, version))
    return answers


def _loaded(answer: Answer, published: dict[int, float], ended: dict[int, float]) -> bool:
    """Returns True if the version was loaded at any time between request and answer."""
    began = published.get(answer.version, float("inf"))
    return began <= answer.received and answer.sent <= ended.get(answer.version, float("inf"))


def memory(scratch: pathlib.Path, requests: int) -> list[str]:
    """Sends many requests; returns the faults."""
    model = scratch / "m"
    model.mkdir()
    write_version(model, 1)
    with serving(model) as server:
        _send_requests(server, max(1000, requests // 10))  # Fills pools and caches.
        start = server.resident_bytes()
        failed = _send_requests(server, requests)
        end = server.resident_bytes()
    print(
        f"{requests} requests: {failed} failed; resident memory {start / 1e6:.1f} MB at the start, "
        f"{end / 1e6:.1f} MB at the end"
    )
    faults = [f"{failed} requests failed"] if failed else []
    if end - start > _GROWTH_BYTES:
        faults.append(f"memory grew by {(end - start) / 1e6:.1f} MB")
    return faults


def _send_requests(server: Server, requests: int, threads: int = 8) -> int:
    """Sends requests from several threads; returns the number of failures."""

    def send(_: int) -> int:
        with contextlib.closing(server.connect()) as connection:
            return sum(post(connection, "m", _ONE)[0] != 200 for _ in range(requests // threads))

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(send, range(threads)))


def clients(scratch: pathlib.Path, count: int = 500) -> list[str]:
    """Disconnects during requests in several ways; returns the faults."""
    model = scratch / "m"
    model.mkdir()
    write_version(model, 1)
    head = b"POST /v1/models/m:predict HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"
    with serving(model) as server:
        _send_requests(server, 1000)
        files = pathlib.Path(f"/proc/{server.process.pid}/fd")
        before, start = len(list(files.iterdir())), server.resident_bytes()
        for number in range(count):
            client = socket.create_connection(("127.0.0.1", server.rest_port))
            client.sendall((b"", head, head + _ONE, b"\x00\xff")[number % 4])
            if number % 8 < 4:  # Some connections end by a reset, as those of killed clients may.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        time.sleep(1.0)
        failed = _send_requests(server, 1000)
        after, end = len(list(files.iterdir())), server.resident_bytes()
    print(
        f"{count} clients that disconnected: {before} open files before, {after} after; resident "
        f"memory {start / 1e6:.1f} MB before, {end / 1e6:.1f} MB after; {failed} later requests "
        "failed"
    )
    faults = [f"{after - before} files stay open"] if after > before + 2 else []
    if failed or end - start > _GROWTH_BYTES:
        faults.append("later requests fail, or memory is not freed")
    return faults


if __name__ == "__main__":
    sys.exit(main())
