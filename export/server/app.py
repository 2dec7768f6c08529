"""The local server: its ports, its polling of files, and its shutdown."""

import asyncio
import gc
import logging
import pathlib

from export.server import config, grpc_server
from export.server.config import ModelConfig
from export.server.executor import Runner, ThreadPool
from export.server.flags import Options
from export.server.grpc_services import ModelService, PredictionService
from export.server.hangup import on_hangup
from export.server.http_server import (
    Application,
    HttpServer,
    bracketed,
    is_loopback,
    stop_event,
)
from export.server.manager import LoadOptions, Manager
from export.server.metrics import Metrics
from export.server.playground import PATH, Playground
from export.server.request_log import RequestLog
from export.server.rest import RestApi
from export.server.rest_services import RestServices
from export.server.status import ServingError
from zoo.errors import UserError

log = logging.getLogger(__name__)


class App:
    """The local server.

    Args:
        options: the flags of the command.

    Raises:
        UserError: a file that cannot be read or parsed, or a folder that does not exist.
    """

    def __init__(self, options: Options):
        self._options = options
        self._configs = _read_models(options)
        batching = _read_batching(options)
        metrics_path = None
        if path := options.monitoring_config_file:
            metrics_path = config.read_file(
                config.read_metrics_path, path, flag="--monitoring-config-file"
            )
        self._credentials = None
        if path := options.ssl_config_file:
            self._credentials = config.read_file(config.read_tls, path, flag="--ssl-config-file")
        metrics = Metrics()
        self.manager = Manager(
            _load_options(options),
            metrics,
            allow_unavailable_labels=options.allow_version_labels_for_unavailable_models,
        )
        count = batching.threads if batching else config.Batching().threads
        self._threads = ThreadPool(count, options.max_queued_requests)
        runner = Runner(
            self._threads,
            metrics,
            batching,
            per_model=options.enable_per_model_batching_parameters,
        )
        rest = RestApi(
            RestServices(self.manager, runner, metrics, options.rest_api_timeout_in_ms / 1000),
            max_bytes=options.max_request_bytes,
            cors=options.rest_api_enable_cors_support,
            metrics_path=metrics_path,
        )
        self._http: Application = rest
        if options.playground:
            loopback = is_loopback(options.host)
            self._http = Playground(rest, lambda: self.manager.names, loopback=loopback)
        self._http = RequestLog(self._http, writes=options.access_log)
        self._prediction = PredictionService(
            self.manager, runner, metrics, options.enable_serialization_as_tensor_content
        )

    async def serve(self) -> None:
        """Serves until SIGTERM or SIGINT, then waits for running requests.

        SIGHUP reads the file of models again, and searches the folders.

        Raises:
            UserError: a port that is in use.
        """
        _exclude_loaded_objects_from_collection()
        stop = stop_event()
        http, serving = None, None
        if self._options.rest_api_port:
            http = HttpServer(self._http, drain_seconds=self._options.drain_seconds)
            serving = http.start(self._options.host, self._options.rest_api_port)
        rpc = None
        if self._options.port:
            models = ModelService(self.manager)
            rpc = await grpc_server.start(
                self._options, self._prediction, models, self._credentials
            )
        await self.manager.configure(self._configs, wait=False)
        background = {asyncio.create_task(self._poll()), asyncio.create_task(self._poll_config())}

        def reload() -> None:
            task = asyncio.create_task(self._reload())
            background.add(task)
            task.add_done_callback(background.discard)

        on_hangup(reload, stop)
        print(self._banner(), flush=True)
        await stop.wait()
        log.info("Draining")
        for task in background.copy():
            task.cancel()
        if http is not None:
            http.should_exit = True
        drain = self._options.drain_seconds
        await asyncio.gather(*([serving] if serving else []), *([rpc.stop(drain)] if rpc else []))
        self._threads.close()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._options.file_system_poll_wait_seconds)
            self.manager.poll()

    async def _poll_config(self) -> None:
        seconds = self._options.model_config_file_poll_wait_seconds
        while seconds > 0:
            await asyncio.sleep(seconds)
            await self._reload()

    async def _reload(self) -> None:
        """Reads the file of models and searches the folders; an invalid file changes nothing."""
        try:
            configs = await asyncio.to_thread(_read_models, self._options)
            await self.manager.configure(configs, wait=False)
        except (UserError, ServingError) as error:
            log.error("The configuration is not changed: %s", error)

    def _banner(self) -> str:
        host = bracketed(self._options.host)
        lines = [f"Serving {', '.join(self._configs)} (local server)"]
        for name in self._configs:
            if self._options.rest_api_port:
                url = f"http://{host}:{self._options.rest_api_port}/v1/models/{name}"
                lines.append(f"  REST  {url}")
        if self._options.port:
            lines.append(f"  gRPC  {host}:{self._options.port}")
        if self._options.playground:
            lines.append(f"  page  http://{host}:{self._options.rest_api_port}{PATH}")
        return "\n".join(lines)


def _load_options(options: Options) -> LoadOptions:
    both = options.tensorflow_session_parallelism
    return LoadOptions(
        tags=tuple(options.saved_model_tags.split(",")),
        warmup=options.enable_model_warmup,
        timeout=options.rest_api_timeout_in_ms / 1000,
        retries=options.max_num_load_retries,
        retry_seconds=options.load_retry_interval_micros / 1e6,
        warmup_iterations=options.num_request_iterations_for_warmup,
        per_version_batching=options.enable_per_model_batching_parameters,
        check_methods=options.enable_signature_method_name_check,
        inter_op_threads=options.tensorflow_inter_op_parallelism or both,
        intra_op_threads=options.tensorflow_intra_op_parallelism or both,
    )


def _exclude_loaded_objects_from_collection() -> None:
    """Makes the garbage collector skip TensorFlow's own objects.

    Requests allocate many containers. Each full collection would visit all objects of TensorFlow,
    which takes 0.1 to 1 s. Objects that are created later are still collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _read_models(options: Options) -> dict[str, ModelConfig]:
    if options.model_config_file:
        return config.read_file(config.read_models, options.model_config_file)
    base = pathlib.Path(options.model_base_path).expanduser().absolute()
    if not base.is_dir():
        raise UserError(
            f"--model-base-path: {base} is not a folder. Give the folder of one model, which "
            "contains its versions 1, 2, ... as `python -m export` writes them."
        )
    return {options.model_name: ModelConfig(options.model_name, base)}


def _read_batching(options: Options) -> config.Batching | None:
    if not options.enable_batching:
        return None
    if not options.batching_parameters_file:
        return config.Batching()
    path = options.batching_parameters_file
    return config.read_file(config.read_batching, path, flag="--batching-parameters-file")
