"""The server of the playground in front of another server."""

import logging

from export.server import config
from export.server.flags import Options
from export.server.hangup import on_hangup
from export.server.http_server import HttpServer, bracketed, is_loopback, stop_event
from export.server.playground import PATH, Playground
from export.server.proxy import Proxy
from export.server.request_log import RequestLog
from zoo.errors import UserError

log = logging.getLogger(__name__)


class PageServer:
    """Serves the page, and passes its requests to the server at `--rest-url`.

    Args:
        options: the flags of the command.

    Raises:
        UserError: an address or a file that cannot be used.
    """

    def __init__(self, options: Options):
        self._options = options
        self._names = _read_names(options)
        seconds = options.rest_api_timeout_in_ms / 1000
        proxy = Proxy(options.rest_url, timeout=seconds, max_bytes=options.max_request_bytes)
        page = Playground(
            proxy,
            lambda: self._names,
            rest_url=options.rest_url,
            loopback=is_loopback(options.host),
        )
        self._page = RequestLog(page, writes=options.access_log)

    async def serve(self) -> None:
        """Serves until SIGTERM or SIGINT; SIGHUP reads the names of the models again.

        Raises:
            UserError: a port that is in use.
        """
        stop = stop_event()
        on_hangup(self._reload, stop)
        options = self._options
        server = HttpServer(self._page, drain_seconds=options.drain_seconds)
        serving = server.start(options.host, options.rest_api_port)
        address = f"http://{bracketed(options.host)}:{options.rest_api_port}{PATH}"
        print(f"Playground of {options.rest_url}\n  page  {address}", flush=True)
        await stop.wait()
        server.should_exit = True
        await serving

    def _reload(self) -> None:
        try:
            self._names = _read_names(self._options)
        except UserError as error:
            log.error("The names of the models are not changed: %s", error)


def _read_names(options: Options) -> list[str]:
    if options.model_config_file:
        return list(config.read_file(config.read_models, options.model_config_file))
    return [name.strip() for name in options.model_name.split(",") if name.strip()]
