"""The HTTP server of `training.watch`: the page, the state of the run, its samples, its report."""

import http.server
import json
import pathlib
import re

from training import report_page
from training.report import tables
from training.run_state import RunState
from zoo.errors import UserError

_HOST = "127.0.0.1"
_FOLDER = pathlib.Path(__file__).parent / "watch_page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SAMPLE = re.compile(r"/samples/(\d{1,12})\.png")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The report is one file with its style and its pictures inside, and without scripts.
_POLICY_OF_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)


class WatchServer(http.server.ThreadingHTTPServer):
    """Serves the page of one run to this machine.

    Args:
        run: the folder of the run.
        port: int, the port; 0 takes a free one.

    Raises:
        UserError: the folder is not that of a run, or the port is in use.
    """

    daemon_threads = True

    def __init__(self, run: pathlib.Path, port: int = 0):
        self.run = run
        self.state = RunState(run)
        if not 0 <= port < 65536:
            raise UserError(f"--port must be in 0..65535, given {port}.")
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            raise UserError(
                f"The page cannot be served on {_HOST}:{port}: {error.strerror}. Choose another "
                "--port, or leave it out."
            ) from None

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{_HOST}:{self.server_port}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: WatchServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:  # noqa: N802
        """Answers a request."""
        host = re.sub(r":\d*$", "", self.headers.get("Host", ""))
        if host.lower() not in ("localhost", _HOST):
            # A web site whose name was pointed to this machine must read nothing.
            self._send(421, "text/plain", b"Open the address that the command has printed.")
            return
        try:
            self._send(*self._content())
        except UserError as error:
            self._send(500, "application/json", json.dumps({"error": str(error)}).encode())

    def _content(self) -> tuple[int, str, bytes]:
        if self.path == "/state.json":
            state = json.dumps(self.server.state.read(), allow_nan=False)
            return 200, "application/json", state.encode()
        if self.path == "/report.html":
            return 200, "text/html", report_of(self.server.run).encode()
        if sample := _SAMPLE.fullmatch(self.path):
            path = self.server.state.samples().get(int(sample[1]))
            if path:
                return 200, "image/png", path.read_bytes()
        path = _FOLDER / (self.path.removeprefix("/") or "index.html")
        if path.parent == _FOLDER and path.suffix in _TYPES and path.is_file():
            return 200, _TYPES[path.suffix], path.read_bytes()
        return 404, "text/plain", b"Not found"

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        policy = _POLICY_OF_REPORT if self.path == "/report.html" else _POLICY
        self.send_header("Content-Security-Policy", policy)
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        self.send_header("Content-Type", kind + charset)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Prints nothing: the page asks every few seconds."""


def report_of(run: pathlib.Path) -> str:
    """Returns the HTML report of a run, which may not be finished."""
    page = report_page.Page(pathlib.Path(f"{run.absolute().name}.html"))
    if (run / "result.json").exists():
        for table in tables([run]):
            page.table(table)
    try:
        report_page.add_curves(page, [run])
    except UserError as error:
        page.note(str(error))
    report_page.add_samples(page, [run])
    return page.text()
