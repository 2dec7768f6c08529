"""Uvicorn's HTTP protocol with JSON errors and a timeout for request headers."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from export.server import json_writing

_HEADER_SECONDS = 30.0


class HttpProtocol(HttpToolsProtocol):
    """Closes connections without a request after a timeout, and reports errors as JSON."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timeout."""
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(_HEADER_SECONDS, self._on_timeout)

    def on_headers_complete(self) -> None:
        """Stops the timeout."""
        self._header_timer.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timeout."""
        self._header_timer.cancel()
        super().connection_lost(exc)

    def _on_timeout(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("The request's headers did not arrive in time.")

    def send_400_response(self, msg: str) -> None:
        """Answers a request that is not valid HTTP."""
        body = json_writing.error(msg)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head % len(body) + body)
        self.transport.close()
