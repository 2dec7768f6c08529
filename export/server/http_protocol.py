"""Uvicorn's HTTP, with errors as JSON and without patience for those who never ask."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from export.server import json_writing

_HEADER_SECONDS = 30.0


class HttpProtocol(HttpToolsProtocol):
    """Closes connections whose first request's headers do not arrive, and says errors in JSON."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(_HEADER_SECONDS, self._give_up)

    def on_headers_complete(self) -> None:
        """Stops the clock."""
        self._patience.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("The request's headers did not arrive in time.")

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP."""
        body = json_writing.error(msg)
        head = (
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head % len(body) + body)
        self.transport.close()
