"""Ids of requests, in answers and logs, and the access log."""

import dataclasses
import json
import logging
import re
import time
import uuid

from export.server.http_body import Message, Receive, Send
from export.server.http_server import Application

log = logging.getLogger("export.access")

HEADER = b"x-request-id"
_ALLOWED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(given: str) -> str:
    """Returns the id of a request: the given one if it is valid, else a random one.

    A valid id has up to 64 letters, digits, dots, dashes and underscores.

    Example:
    >>> request_id("order-7"), len(request_id("two words"))
    ('order-7', 32)
    """
    return given if _ALLOWED.fullmatch(given) else uuid.uuid4().hex


@dataclasses.dataclass(frozen=True)
class RequestLog:
    """Gives each HTTP request an id, which its answer contains as `X-Request-Id`.

    Args:
        application: answers the requests (ASGI 3); it finds the id in `scope["request_id"]`.
        writes: bool, whether each request is logged as one JSON object.
    """

    application: Application
    writes: bool = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI 3)."""
        start = time.perf_counter()
        given = dict(scope["headers"]).get(HEADER, b"").decode("latin-1")
        scope["request_id"] = request_id(given)
        status = size = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (HEADER, scope["request_id"].encode())]
                message = {**message, "headers": headers}
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.application(scope, receive, send_with_id)
        finally:
            if self.writes:
                line = {
                    "id": scope["request_id"],
                    "method": scope["method"],
                    "path": scope["raw_path"].decode("latin-1"),
                    "status": status,
                    "milliseconds": round(1000 * (time.perf_counter() - start), 3),
                    "answer_bytes": size,
                }
                log.info(json.dumps(line))
