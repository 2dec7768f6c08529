"""Passes REST requests to another server, so that the playground works in front of it."""

import asyncio
import dataclasses
import http.client
import logging
import urllib.parse

from export.server import json_writing
from export.server.http_body import Disconnected, Message, Receive, Send, read_body
from export.server.status import ServingError
from zoo.errors import UserError

log = logging.getLogger(__name__)

_MAX_ANSWER_BYTES = 256 << 20
_HEADERS = ((b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff"))
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


@dataclasses.dataclass(frozen=True)
class Proxy:
    """Answers requests of the REST API with the answers of another server.

    Requests from pages of other web sites are refused.

    Args:
        url: address of the other server, such as `http://localhost:8501`.
        timeout: float, seconds that an answer may take.
        max_bytes: int, size limit of the body of a request.

    Raises:
        UserError: an address that is not `http://HOST[:PORT]` or `https://HOST[:PORT]`.
    """

    url: str
    timeout: float
    max_bytes: int

    def __post_init__(self) -> None:
        try:
            parts = urllib.parse.urlsplit(self.url)
            parts.port  # noqa: B018  Reading it checks the range.
        except ValueError as error:
            raise UserError(f"--rest-url {self.url}: {error}.") from None
        if parts.scheme not in _CONNECTIONS or not parts.hostname or parts.query or parts.username:
            raise UserError(
                f"--rest-url {self.url}: expected http://HOST:PORT of a server of TensorFlow "
                "Serving's REST API, such as http://localhost:8501."
            )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI 3)."""
        try:
            status, body = await self._answer(scope, receive)
        except Disconnected:
            return
        except ServingError as error:
            status, body = error.http_status, json_writing.error(error.message)
        headers = [*_HEADERS, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, bytes]:
        path, method = scope["raw_path"].decode("latin-1"), scope["method"]
        headers = dict(scope["headers"])
        origin, host = headers.get(b"origin"), headers.get(b"host", b"")
        if origin not in (None, b"http://" + host, b"https://" + host):
            return 403, json_writing.error("Requests from pages of other web sites are refused.")
        if not path.startswith("/v1/models/") or method not in ("GET", "POST"):
            return 404, json_writing.error(f"Only the REST API is passed on, not {method} {path}")
        body = await read_body(scope, receive, self.max_bytes) if method == "POST" else None
        try:
            return await asyncio.to_thread(self._forward, method, path, body)
        except TimeoutError:
            return 504, json_writing.error(f"{self.url} did not answer in {self.timeout:.0f} s.")
        except (OSError, http.client.HTTPException) as error:
            log.error("%s does not answer: %s", self.url, error)
            return 502, json_writing.error(f"{self.url} does not answer: {error}")

    def _forward(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urllib.parse.urlsplit(self.url)
        assert parts.hostname is not None
        connection = _CONNECTIONS[parts.scheme](parts.hostname, parts.port, timeout=self.timeout)
        try:
            connection.request(method, parts.path.rstrip("/") + path, body)
            with connection.getresponse() as response:
                content = response.read(_MAX_ANSWER_BYTES + 1)
                if len(content) > _MAX_ANSWER_BYTES:
                    limit = _MAX_ANSWER_BYTES >> 20
                    return 502, json_writing.error(f"The answer is larger than {limit} MB.")
                return response.status, content
        finally:
            connection.close()
