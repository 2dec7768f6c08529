"""The HTTP server of an ASGI application, which leaves signals to its owner."""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn

from export.server.http_body import Message, Receive, Send
from export.server.http_protocol import HttpProtocol
from zoo.errors import UserError

_KEEP_ALIVE_SECONDS = 65

Application = Callable[[Message, Receive, Send], Awaitable[None]]


class HttpServer(uvicorn.Server):
    """Uvicorn that leaves signals to the application.

    Args:
        application: answers the requests (ASGI 3).
        drain_seconds: float, seconds that running requests may take after the server is stopped.
    """

    def __init__(self, application: Application, *, drain_seconds: float):
        super().__init__(
            uvicorn.Config(
                application,
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=int(drain_seconds),
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def start(self, host: str, port: int) -> asyncio.Task:
        """Starts to listen; returns the task that ends when the server is stopped.

        Raises:
            UserError: the port is in use.
        """
        return asyncio.create_task(self.serve(sockets=[_bind(host, port)]))


def stop_event() -> asyncio.Event:
    """Returns an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def bracketed(host: str) -> str:
    """Returns a host as URLs contain it: IPv6 addresses are in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Returns True if only this machine can reach a server that listens on a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UserError(
            f"The REST API cannot listen on {bracketed(host)}:{port}: {error.strerror}. Choose "
            "another --rest-api-port, or stop the process that uses the port."
        ) from None
    return listening
