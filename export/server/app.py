"""The server's life: ports, polling, draining."""

import asyncio
import contextlib
import gc
import logging
import pathlib
import signal
import socket
from collections.abc import Iterator

import grpc
import uvicorn

from export.server import config, grpc_server
from export.server.config import ModelConfig
from export.server.executor import Runner, Threads
from export.server.flags import Options
from export.server.grpc_services import ModelService, PredictionService
from export.server.http_protocol import HttpProtocol
from export.server.manager import LoadOptions, Manager
from export.server.metrics import Metrics
from export.server.rest import RestApi
from export.server.rest_services import RestServices
from export.server.status import ServingError
from zoo.errors import UserError

log = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS = 65


class _HttpServer(uvicorn.Server):
    """Uvicorn, with the signals left to the application."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class App:
    """The local server.

    Args:
        options: the command's flags.

    Raises:
        UserError: files that cannot be read, or a folder that is not there.
    """

    def __init__(self, options: Options):
        self._options = options
        self._configs = _models(options)
        batching = _batching(options)
        metrics_path = _metrics_path(options)
        self._credentials = _credentials(options)
        metrics = Metrics()
        both = options.tensorflow_session_parallelism
        self.manager = Manager(
            LoadOptions(
                tags=tuple(options.saved_model_tags.split(",")),
                warmup=options.enable_model_warmup,
                timeout=options.rest_api_timeout_in_ms / 1000,
                retries=options.max_num_load_retries,
                retry_seconds=options.load_retry_interval_micros / 1e6,
                warmup_iterations=options.num_request_iterations_for_warmup,
                own_batching=options.enable_per_model_batching_parameters,
                check_methods=options.enable_signature_method_name_check,
                inter_op_threads=options.tensorflow_inter_op_parallelism or both,
                intra_op_threads=options.tensorflow_intra_op_parallelism or both,
            ),
            metrics,
            free_labels=options.allow_version_labels_for_unavailable_models,
        )
        count = batching.threads if batching else config.Batching().threads
        self._threads = Threads(count, options.max_queued_requests)
        runner = Runner(
            self._threads,
            metrics,
            batching,
            per_model=options.enable_per_model_batching_parameters,
        )
        self._rest = RestApi(
            RestServices(self.manager, runner, metrics, options.rest_api_timeout_in_ms / 1000),
            max_bytes=options.max_request_bytes,
            cors=options.rest_api_enable_cors_support,
            metrics_path=metrics_path,
        )
        self._prediction = PredictionService(
            self.manager, runner, metrics, options.enable_serialization_as_tensor_content
        )

    async def serve(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets running requests finish.

        Raises:
            UserError: a port that is taken.
        """
        _freeze_garbage()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        http, serving = await self._start_http()
        rpc = None
        if self._options.port:
            models = ModelService(self.manager)
            rpc = await grpc_server.start(
                self._options, self._prediction, models, self._credentials
            )
        await self.manager.configure(self._configs, wait=False)
        background = [asyncio.create_task(self._poll()), asyncio.create_task(self._poll_config())]
        print(self._banner(), flush=True)
        await stop.wait()
        log.info("Draining")
        for task in background:
            task.cancel()
        if http is not None:
            http.should_exit = True
        drain = self._options.drain_seconds
        await asyncio.gather(*([serving] if serving else []), *([rpc.stop(drain)] if rpc else []))
        self._threads.close()

    async def _start_http(self) -> tuple[_HttpServer | None, asyncio.Task | None]:
        if not self._options.rest_api_port:
            return None, None
        listening = _bind(self._options.host, self._options.rest_api_port)
        server = _HttpServer(
            uvicorn.Config(
                self._rest,
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=int(self._options.drain_seconds),
            )
        )
        return server, asyncio.create_task(server.serve(sockets=[listening]))

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._options.file_system_poll_wait_seconds)
            self.manager.poll()

    async def _poll_config(self) -> None:
        """Reads the models' file again, and keeps the old configuration where it is wrong."""
        seconds = self._options.model_config_file_poll_wait_seconds
        while seconds > 0:
            await asyncio.sleep(seconds)
            try:
                await self.manager.configure(await asyncio.to_thread(_models, self._options),
                                             wait=False)  # fmt: skip
            except (UserError, ServingError) as error:
                log.error("The configuration stays as it was: %s", error)

    def _banner(self) -> str:
        host = _bracketed(self._options.host)
        lines = [f"Serving {', '.join(self._configs)} (local server)"]
        for name in self._configs:
            if self._options.rest_api_port:
                url = f"http://{host}:{self._options.rest_api_port}/v1/models/{name}"
                lines.append(f"  REST  {url}")
        if self._options.port:
            lines.append(f"  gRPC  {host}:{self._options.port}")
        return "\n".join(lines)


def _freeze_garbage() -> None:
    """Takes TensorFlow's own objects out of the garbage collector's sight.

    Requests allocate many containers, and each full collection would walk all of TensorFlow:
    0.1 to 1 s at a time. What is loaded from here on stays collectable.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _models(options: Options) -> dict[str, ModelConfig]:
    if options.model_config_file:
        try:
            return config.read_models(_read(options.model_config_file, "--model-config-file"))
        except ServingError as error:
            raise UserError(f"{options.model_config_file}: {error.message}") from None
    base = pathlib.Path(options.model_base_path).expanduser().absolute()
    if not base.is_dir():
        raise UserError(
            f"--model-base-path: {base} is no folder. It must be the folder of one model, with its "
            "versions 1, 2, ... in it, as `python -m export` writes it."
        )
    return {options.model_name: ModelConfig(options.model_name, base)}


def _batching(options: Options) -> config.Batching | None:
    if not options.enable_batching:
        return None
    if not options.batching_parameters_file:
        return config.Batching()
    text = _read(options.batching_parameters_file, "--batching-parameters-file")
    try:
        return config.read_batching(text)
    except ServingError as error:
        raise UserError(f"{options.batching_parameters_file}: {error.message}") from None


def _metrics_path(options: Options) -> str | None:
    if not options.monitoring_config_file:
        return None
    text = _read(options.monitoring_config_file, "--monitoring-config-file")
    try:
        return config.read_metrics_path(text)
    except ServingError as error:
        raise UserError(f"{options.monitoring_config_file}: {error.message}") from None


def _credentials(options: Options) -> grpc.ServerCredentials | None:
    if not options.ssl_config_file:
        return None
    text = _read(options.ssl_config_file, "--ssl-config-file")
    try:
        return config.read_tls(text)
    except ServingError as error:
        raise UserError(f"{options.ssl_config_file}: {error.message}") from None


def _read(path: str, flag: str) -> str:
    try:
        return pathlib.Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{flag}: {path} cannot be read: {error}") from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise UserError(
            f"The REST API cannot listen on {_bracketed(host)}:{port}: {error.strerror}. Choose "
            "another --rest-api-port, or stop what uses it."
        ) from None
    return listening
