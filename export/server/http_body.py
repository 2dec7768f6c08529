"""The body of an HTTP request: its size limit, its timeout and its decompression."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from export.server.status import Code, ServingError

_READ_SECONDS = 30.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Disconnected(Exception):
    """A client that disconnected before its request was complete."""


async def read_body(scope: Message, receive: Receive, max_bytes: int) -> bytes:
    """Reads the body of a request (ASGI 3).

    Args:
        scope: the request.
        receive: yields the parts of the body.
        max_bytes: int, size limit, which holds after decompression too.

    Raises:
        ServingError: a body that is too large (413), or that does not arrive in time (408).
        Disconnected: the client disconnected.
    """
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > max_bytes:
                    raise _too_large(max_bytes)
                more = message.get("more_body", False)
    except TimeoutError:
        text = f"The body of the request did not arrive within {_READ_SECONDS:.0f} seconds."
        raise ServingError(Code.DEADLINE_EXCEEDED, text, http_status=408) from None
    body = b"".join(parts)
    if headers.get(b"content-encoding", b"").lower() == b"gzip":
        return _decompress(body, max_bytes)
    return body


def _decompress(body: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        decompressed = stream.decompress(body, max_bytes)
    except zlib.error:
        return b""  # The JSON parser refuses an empty body.
    if stream.unconsumed_tail:
        raise _too_large(max_bytes)
    return decompressed if stream.eof else b""


def _too_large(max_bytes: int) -> ServingError:
    text = f"The request is larger than {max_bytes} bytes."
    return ServingError(Code.RESOURCE_EXHAUSTED, text, http_status=413)
