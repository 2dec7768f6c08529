"""A process of the local server, and an HTTP client of it."""

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

ROOT = pathlib.Path(__file__).parents[2]
_START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process and its ports."""

    def __init__(self, *arguments: object, grpc: bool = True):
        self.rest_port = free_port()
        self.grpc_port = free_port() if grpc else 0
        command = [sys.executable, "-m", "export.serve", "--engine=local"]
        command += [f"--rest-api-port={self.rest_port}", f"--port={self.grpc_port}"]
        command += [str(argument) for argument in arguments]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, method: str, path: str, body: object = None, **headers: str):
        """Sends a request with a JSON or bytes body; returns (status, document)."""
        status, _, content = self.ask_raw(method, path, body, **headers)
        return status, json.loads(content)

    def ask_raw(self, method: str, path: str, body: object = None, **headers: str):
        """Sends a request; returns (status, headers, bytes)."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=60)
        with contextlib.closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            with connection.getresponse() as response:
                return response.status, dict(response.getheaders()), response.read()

    def predict(self, body: object, model: str = "m", **headers: str):
        return self.ask("POST", f"/v1/models/{model}:predict", body, **headers)

    def states(self, model: str = "m") -> dict[str, str]:
        _, document = self.ask("GET", f"/v1/models/{model}")
        versions = document.get("model_version_status", [])
        return {version["version"]: version["state"] for version in versions}

    def wait_for(self, version: int, state: str = "AVAILABLE", model: str = "m") -> None:
        """Waits until a version is in a state."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"The server stopped:\n{self.process.stdout.read()}")
            with contextlib.suppress(ConnectionError):
                if self.states(model).get(str(version)) == state:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{model} {version} did not become {state}: {self.states(model)}")

    def stop(self) -> tuple[int, str]:
        """Sends SIGTERM; returns the exit code and the output."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            output, _ = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, output


@contextlib.contextmanager
def serving(*arguments: object, version: int = 1, model: str = "m", grpc: bool = True):
    """Runs a server until the block ends; its model is loaded when the block starts."""
    server = Server(*arguments, grpc=grpc)
    try:
        server.wait_for(version, model=model)
        yield server
    finally:
        server.stop()
