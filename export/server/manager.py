"""Which versions of which models are loaded, and their life from START to END."""

import asyncio
import contextlib
import gc
import logging
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from export.server import warmup
from export.server.config import ModelConfig, describe_error, read_own_batching
from export.server.metrics import Metrics
from export.server.model import LoadedModel
from export.server.model_versions import ServedModel, State, Version
from export.server.status import Code, ServingError, invalid

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSpec:
    """Which model a request is for.

    Args:
        name: the model's name.
        version: its version, None for the highest that is loaded.
        label: a label instead of a version.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class LoadOptions:
    """How versions are loaded.

    Args:
        tags: tags of the graph.
        warmup: bool, whether warmup requests are replayed.
        timeout: float, seconds after which a computation is stopped, over gRPC too.
        retries: int, further attempts after a failed one.
        retry_seconds: float, how long after it.
        warmup_iterations: int, how often each warmup request is replayed.
        own_batching: bool, whether a version's own batching parameters are read.
        check_methods: bool, whether classify and regress look at a signature's method name.
        inter_op_threads: int, operations at a time, 0 for TensorFlow's choice.
        intra_op_threads: int, threads of an operation, 0 for TensorFlow's choice.
    """

    tags: tuple[str, ...] = ("serve",)
    warmup: bool = True
    timeout: float = 30.0
    retries: int = 5
    retry_seconds: float = 60.0
    warmup_iterations: int = 1
    own_batching: bool = False
    check_methods: bool = False
    inter_op_threads: int = 0
    intra_op_threads: int = 0


class Manager:
    """Keeps the loaded versions what the configuration and the folders say.

    Its methods run in the event loop; loading, warming up and unloading in threads.

    Args:
        options: how versions are loaded.
        metrics: what takes the warmup times.
        free_labels: bool, whether a new label may point at a version that is not loaded.
    """

    def __init__(self, options: LoadOptions, metrics: Metrics, *, free_labels: bool = False):
        self._options = options
        self._metrics = metrics
        self._free_labels = free_labels
        self._models: dict[str, ServedModel] = {}
        self._retired: dict[str, ServedModel] = {}
        self._reconciling: dict[str, asyncio.Task] = {}
        self._closing: set[asyncio.Task] = set()

    @contextlib.contextmanager
    def use(self, spec: ModelSpec) -> Iterator[LoadedModel]:
        """Gives the version that a request is for, and keeps it loaded meanwhile.

        Raises:
            ServingError: NOT_FOUND for an unknown model or version, INVALID_ARGUMENT for an
                unknown label.
        """
        served = self._models.get(spec.name)
        version = spec.version
        if spec.label is not None and served:
            version = served.config.labels.get(spec.label)
            if version is None:
                raise invalid(f"Unrecognized servable version label: {spec.label}")
        model = served.loaded(version) if served else None
        if model is None:
            what = f"Specific({spec.name}, {version})"
            what = f"Latest({spec.name})" if version is None else what
            raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {what}")
        with model.in_use():
            yield model

    def ready(self) -> bool:
        """Whether every model has a version that answers."""
        return all(served.loaded(None) for served in self._models.values())

    def known(self, name: str) -> str:
        """Returns a served model's name, "" for others, which clients may invent without end."""
        return name if name in self._models else ""

    def status(self, name: str, version: int | None) -> list[Version]:
        """Returns all versions of a model that there ever were, the highest first, or one.

        Raises:
            ServingError: NOT_FOUND.
        """
        served = self._models.get(name) or self._retired.get(name)
        versions = served.versions if served else {}
        if version is not None:
            if version not in versions:
                message = f"Could not find version {version} of model {name}"
                raise ServingError(Code.NOT_FOUND, message)
            return [versions[version]]
        if not versions:
            message = f"Could not find any versions of model {name}"
            raise ServingError(Code.NOT_FOUND, message)
        return [versions[number] for number in sorted(versions, reverse=True)]

    async def configure(self, configs: Mapping[str, ModelConfig], *, wait: bool) -> None:
        """Serves these models from now on, and no others.

        Args:
            configs: models by name.
            wait: bool, whether to return only when new models are loaded.

        Raises:
            ServingError: FAILED_PRECONDITION for a label of a version that is not loaded (nothing
                is changed then), or with `wait` for a new model that cannot be loaded.
        """
        new = [name for name in configs if name not in self._models]
        if not self._free_labels:
            _check_labels([c for c in configs.values() if c.name not in new], self._models)
        for name in [name for name in self._models if name not in configs]:
            self._retired[name] = self._models.pop(name)
            self._start(self._retired[name])
        for name, config in configs.items():
            served = self._models.get(name) or self._retired.pop(name, None) or ServedModel(config)
            served.config = config
            self._models[name] = served
            self._start(served)
        if wait:
            await self._wait_for(new)

    async def _wait_for(self, new: list[str]) -> None:
        await asyncio.gather(*(self._reconciling[name] for name in new))
        failed = [name for name in new if self._models[name].loaded(None) is None]
        if failed:
            reasons = "; ".join(f"{name}: {self._models[name].reason()}" for name in failed)
            message = f"Servable(s) did not become available: {reasons}"
            raise ServingError(Code.UNKNOWN, message)
        if not self._free_labels:
            _check_labels([self._models[name].config for name in new], self._models)

    def poll(self) -> None:
        """Looks at all folders, in the background; loads and unloads what has changed."""
        for served in [*self._models.values(), *self._retired.values()]:
            self._start(served)

    def _start(self, served: ServedModel) -> None:
        name = served.config.name
        running = self._reconciling.get(name)
        if running is None or running.done():
            self._reconciling[name] = asyncio.create_task(self._reconcile(served))
        else:  # It must look again: the configuration may have changed.
            served.look_again = True

    async def _reconcile(self, served: ServedModel) -> None:
        while True:
            served.look_again = False
            try:
                await self._reconcile_once(served)
            except OSError as error:
                log.error("%s: %s", served.config.name, error)
            if not served.look_again:
                return

    async def _reconcile_once(self, served: ServedModel) -> None:
        retired = self._models.get(served.config.name) is not served
        if retired:
            wanted: set[int] | None = set()
        else:
            wanted = await asyncio.to_thread(served.wanted)
        if wanted is None:  # No folder: what is loaded stays.
            return
        for number in sorted(wanted):
            version = served.versions.setdefault(number, Version(number))
            if version.is_due(self._options.retries, self._options.retry_seconds):
                await self._load(served, version)
        if wanted and not any(served.loaded(number) for number in wanted):
            return  # Nothing to replace the old ones with.
        for version in served.versions.values():
            if version.number not in wanted and version.state == State.AVAILABLE:
                self._unload(version)
            elif version.number not in served.folders and version.state == State.END:
                version.forget()

    async def _load(self, served: ServedModel, version: Version) -> None:
        version.state = State.LOADING
        folder = served.folders[version.number]
        log.info("%s: loading version %d", served.config.name, version.number)
        try:
            model = await asyncio.to_thread(
                self._load_now, served.config.name, version.number, folder
            )
        except Exception as error:  # Whatever a foreign folder can do wrong.
            version.fail(describe_error(error))
            log.error("%s: version %d: %s", served.config.name, version.number, version.error)
            return
        version.succeed(model)
        log.info("%s: version %d is available", served.config.name, version.number)

    def _load_now(self, name: str, number: int, folder: pathlib.Path) -> LoadedModel:
        options = self._options
        batching = read_own_batching(folder) if options.own_batching else None
        model = LoadedModel(
            name,
            number,
            folder,
            tags=options.tags,
            timeout=options.timeout,
            threads=(options.inter_op_threads, options.intra_op_threads),
            batching=batching,
            check_methods=options.check_methods,
        )
        try:
            if options.warmup:
                start = time.perf_counter()
                warmup.replay(model, warmup.read(folder) * options.warmup_iterations)
                took = time.perf_counter() - start
                self._metrics.observe("model_warmup_latency", took, model_path=str(folder))
        except BaseException:
            model.close()
            raise
        return model

    def _unload(self, version: Version) -> None:
        model, version.model, version.state = version.model, None, State.UNLOADING
        assert model is not None

        async def close() -> None:
            await asyncio.to_thread(_close, model.close)
            version.state = State.END
            log.info("%s: version %d is unloaded", model.name, model.version)

        task = asyncio.create_task(close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _close(close: Callable[[], None]) -> None:
    close()
    # TensorFlow's own objects are frozen (see app.py), so this looks at little more than the model.
    gc.collect()


def _check_labels(configs: list[ModelConfig], models: Mapping[str, ServedModel]) -> None:
    for config in configs:
        for label, number in config.labels.items():
            if models[config.name].loaded(number) is None:
                raise ServingError(
                    Code.FAILED_PRECONDITION,
                    f"Request to assign label {label} to version {number} of model {config.name}, "
                    "which is not currently available for inference",
                )
