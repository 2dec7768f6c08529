"""The playground: a page in the browser that sends requests to the REST API of the same server."""

import dataclasses
import json
import logging
import pathlib
import re
import urllib.parse
from collections.abc import Callable, Iterable

from export.server.http_body import Message, Receive, Send
from export.server.http_server import Application, is_loopback

log = logging.getLogger(__name__)

PATH = "/playground/"
_FOLDER = pathlib.Path(__file__).parents[1] / "playground"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)
_LABEL_RANGE = re.compile(r"label must be in 0\.\.(\d+)")


@dataclasses.dataclass(frozen=True)
class Playground:
    """Answers requests for the page, and passes all others to the REST API.

    Args:
        api: the REST API.
        names: returns the names of the models, which TF Serving's protocol cannot list.
        rest_url: address of the server that answers the REST API, "" for this one.
        loopback: bool, whether the server listens on a loopback address. If it does, requests for
            other hosts are refused, so that the page of a web site whose name was pointed to this
            machine reads nothing.
    """

    api: Application
    names: Callable[[], Iterable[str]]
    rest_url: str = ""
    loopback: bool = True

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI 3)."""
        path: str = scope["path"]
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        name = re.sub(r":\d*$", "", host).lower()
        # Browsers always name the host; a probe that speaks HTTP/1.0 does not.
        if self.loopback and name and not is_loopback(name.strip("[]")):
            text = f"The host {host} is not this machine. Open http://localhost instead."
            await _answer(send, 421, "text/plain", text.encode())
        elif path in ("/", PATH.rstrip("/")) and scope["method"] in ("GET", "HEAD"):
            await _answer(send, 307, "text/plain", b"", (b"location", PATH.encode()))
        elif not path.startswith(PATH):
            await self.api(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, "text/plain", b"Only GET is allowed.", (b"allow", b"GET"))
        else:
            status, kind, body = await self._content(path.removeprefix(PATH), scope)
            await _answer(send, status, kind, body)

    async def _content(self, name: str, scope: Message) -> tuple[int, str, bytes]:
        if name == "models.json":
            found = {"models": list(self.names()), "rest_url": self.rest_url}
            return 200, "application/json", json.dumps(found).encode()
        if name == "classes.json":
            query = urllib.parse.parse_qs(scope["query_string"].decode("latin-1"))
            count = await self._class_count(*(query.get(k, [""])[0] for k in ("model", "version")))
            return 200, "application/json", json.dumps({"count": count}).encode()
        name = name or "index.html"
        path = _FOLDER / name
        if "/" in name or path.suffix not in _TYPES or not path.is_file():
            return 404, "text/plain", b"Not found"
        return 200, f"{_TYPES[path.suffix]}; charset=utf-8", path.read_bytes()

    async def _class_count(self, model: str, version: str) -> int | None:
        """Returns the number of classes of a conditional generator, None if it is unknown.

        Signatures do not declare it. The error for a label of -1 contains it. The server sends this
        request, because a browser reports failed requests on its console.
        """
        path = f"/v1/models/{urllib.parse.quote(model, safe='')}"
        if version.isdecimal():
            path += f"/versions/{version}"
        request = {"signature_name": "generate", "instances": [{"seed": 0, "label": -1}]}
        answer = await _ask(self.api, f"{path}:predict", json.dumps(request).encode())
        found = _LABEL_RANGE.search(answer.decode(errors="replace"))
        return int(found[1]) + 1 if found else None


async def _ask(api: Application, path: str, body: bytes) -> bytes:
    """Sends a POST request to an application; returns the body of its answer."""
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    scope: Message = {
        "type": "http",
        "method": "POST",
        "path": urllib.parse.unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await api(scope, receive, send)
    return b"".join(parts)


async def _answer(
    send: Send, status: int, kind: str, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    own = ((b"content-type", kind.encode()), (b"content-length", b"%d" % len(body)))
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*own, *headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": body})
