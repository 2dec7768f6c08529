"""The local server as a process, and requests to it, for measurements."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import IO

_START_SECONDS = 180


class Server:
    """A running server.

    Args:
        process: process of the server.
        rest_port: port of the REST API.
        grpc_port: port of the gRPC API.
    """

    def __init__(self, process: subprocess.Popen, rest_port: int, grpc_port: int):
        self.process = process
        self.rest_port = rest_port
        self.grpc_port = grpc_port

    def resident_bytes(self) -> int:
        """Returns the resident memory of the process."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Returns the processor time of the process so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def connect(self) -> http.client.HTTPConnection:
        """Returns a connection to the REST API."""
        return http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=60)

    def states(self, model: str) -> dict[int, str]:
        """Returns the states of a model's versions; empty while the server does not answer."""
        connection = self.connect()
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", f"/v1/models/{model}")
            listed = json.load(connection.getresponse()).get("model_version_status", [])
            return {int(version["version"]): version["state"] for version in listed}
        return {}

    def wait_for(self, model: str, version: int, state: str = "AVAILABLE") -> None:
        """Waits until a version is in a state.

        Raises:
            SystemExit: the version does not reach the state, or the server stopped.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self.states(model).get(version) != state:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"error: version {version} of {model} did not become {state}")
            time.sleep(0.05)


@contextlib.contextmanager
def serving(model: pathlib.Path, *flags: str) -> Iterator[Server]:
    """Runs the local server with the newest version of `DIR/NAME` until the block ends."""
    with running(f"--model-base-path={model}", f"--model-name={model.name}", *flags) as server:
        server.wait_for(model.name, newest(model))
        yield server


@contextlib.contextmanager
def running(*flags: str, log: int | IO[bytes] = subprocess.DEVNULL) -> Iterator[Server]:
    """Runs the local server with some flags until the block ends.

    Args:
        *flags: the flags of `export.serve`, without ports.
        log: receives the log of the server.
    """
    rest, rpc = free_port(), free_port()
    command = [sys.executable, "-m", "export.serve", "--engine=local"]
    command += [f"--rest-api-port={rest}", f"--port={rpc}", *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield Server(process, rest, rpc)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def newest(model: pathlib.Path) -> int:
    """Returns the highest version of an exported model.

    Raises:
        SystemExit: a folder without versions.
    """
    versions = [int(path.name) for path in model.glob("*") if path.name.isdigit()]
    if not versions:
        raise SystemExit(
            f"error: {model} has no versions. Write one with python -m export PRESET_OR_RUN DIR"
        )
    return max(versions)


def free_port() -> int:
    """Returns a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(connection: http.client.HTTPConnection, model: str, body: bytes) -> tuple[int, bytes]:
    """Sends a predict request over an open connection; returns the status and the body."""
    connection.request("POST", f"/v1/models/{model}:predict", body)
    response = connection.getresponse()
    return response.status, response.read()


def example_values(instances: Sequence[float]) -> bytes:
    """Returns a request to the tiny model of `benchmarks.serving_reliability`."""
    return json.dumps({"instances": list(instances)}).encode()
