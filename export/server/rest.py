"""The REST API as an ASGI application."""

import dataclasses
import logging
import re
import urllib.parse

from export.server import json_writing
from export.server.http_body import Disconnected, Message, Receive, Send, read_body
from export.server.manager import ModelSpec
from export.server.rest_services import RestServices
from export.server.status import ServingError, invalid

log = logging.getLogger(__name__)

_VERSION_OR_LABEL = r"(?:(?i:/versions/)(\d+)|(?i:/labels/)([^/:]+))?"
_POST = re.compile(rf"(?i:/v1/models)/([^/:]+){_VERSION_OR_LABEL}:(classify|regress|predict)")
_GET = re.compile(rf"(?i:/v1/models)(?:/([^/:]+))?{_VERSION_OR_LABEL}(/(?i:metadata))?")
_ORIGIN = re.compile(rb"https?://.+")
_MAX_VERSION = 2**63 - 1
_JSON = (b"content-type", b"application/json")
_CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
)
_NOT_FOUND = b"<html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n"


@dataclasses.dataclass(frozen=True)
class RestApi:
    """Answers HTTP requests.

    Args:
        services: answers the parsed requests.
        max_bytes: int, size limit of a body after decompression.
        cors: bool, whether pages of other web sites may send requests.
        metrics_path: path of the metrics, None to turn them off.
    """

    services: RestServices
    max_bytes: int
    cors: bool = False
    metrics_path: str | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI 3)."""
        try:
            status, header, body = await self._answer(scope, receive)
        except Disconnected:
            return
        except ServingError as error:
            status, header, body = error.http_status, _JSON, json_writing.error(error.message)
        except Exception:
            log.exception("The server failed to handle request %s", scope.get("request_id", ""))
            status, header, body = 500, _JSON, json_writing.error("Internal error")
        headers = [header, (b"content-length", b"%d" % len(body)), *(_CORS if self.cors else ())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Message, receive: Receive
    ) -> tuple[int, tuple[bytes, bytes], bytes]:
        path: str = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            path += "?" + scope["query_string"].decode("latin-1")
        if self.metrics_path and path == self.metrics_path:
            metrics = self.services.metrics.text().encode()
            return 200, (b"content-type", b"text/plain"), metrics
        if not path[:4].lower() == "/v1/":
            return 404, (b"content-type", b"text/html"), _NOT_FOUND
        method = scope["method"]
        if method == "POST" and (match := _POST.fullmatch(path)):
            spec = _spec(match)
            body = await read_body(scope, receive, self.max_bytes)
            return 200, _JSON, await self.services.infer(spec, match[4], body)
        if method == "GET" and (match := _GET.fullmatch(path)):
            if match[1] is None:
                raise invalid("Missing model name in request.")
            answer = self.services.metadata if match[4] else self.services.status
            return 200, _JSON, answer(_spec(match))
        if method == "OPTIONS" and _ORIGIN.match(dict(scope["headers"]).get(b"origin", b"")):
            return 200, _JSON, b""
        raise invalid(f"Malformed request: {method} {path}")


def _spec(match: re.Match) -> ModelSpec:
    name, version, label = match[1], match[2], match[3]
    if version is not None and (len(version) > 19 or int(version) > _MAX_VERSION):
        raise invalid(f"Failed to convert version: {version[:100]} to numeric.")
    return ModelSpec(
        urllib.parse.unquote(name, errors="replace"),
        None if version is None else int(version),
        None if label is None else urllib.parse.unquote(label, errors="replace"),
    )
