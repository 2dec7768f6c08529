"""Loads and unloads versions of models, according to the configuration and the folders."""

import asyncio
import contextlib
import gc
import logging
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from export.server import warmup
from export.server.config import ModelConfig, read_version_batching
from export.server.metrics import Metrics
from export.server.model import LoadedModel
from export.server.model_versions import ServedModel, State, Version
from export.server.status import Code, ServingError, describe_error, invalid

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSpec:
    """The model that a request is for.

    Args:
        name: name of the model.
        version: version of the model, None for the highest loaded one.
        label: label of a version, instead of its number.
    """

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class LoadOptions:
    """Options for loading versions.

    Args:
        tags: tags of the graph.
        warmup: bool, whether warmup requests are replayed.
        timeout: float, seconds after which a computation is stopped, for gRPC too.
        retries: int, further attempts after a failure.
        retry_seconds: float, seconds between attempts.
        warmup_iterations: int, number of times that each warmup request is replayed.
        per_version_batching: bool, whether each version's own batching parameters are read.
        check_methods: bool, whether classify and regress check the method name of a signature.
        inter_op_threads: int, operations that run at the same time, 0 for TensorFlow's choice.
        intra_op_threads: int, threads of one operation, 0 for TensorFlow's choice.
    """

    tags: tuple[str, ...] = ("serve",)
    warmup: bool = True
    timeout: float = 30.0
    retries: int = 5
    retry_seconds: float = 60.0
    warmup_iterations: int = 1
    per_version_batching: bool = False
    check_methods: bool = False
    inter_op_threads: int = 0
    intra_op_threads: int = 0


class Manager:
    """Loads the versions that the configuration and the folders contain, and unloads others.

    The methods run in the event loop. Loading, warmup and unloading run in threads.

    Args:
        options: options for loading versions.
        metrics: receives the warmup times.
        allow_unavailable_labels: bool, whether the version of a new label may be missing.
    """

    def __init__(
        self, options: LoadOptions, metrics: Metrics, *, allow_unavailable_labels: bool = False
    ):
        self.options = options
        self._metrics = metrics
        self._allow_unavailable_labels = allow_unavailable_labels
        self._models: dict[str, ServedModel] = {}
        self._retired: dict[str, ServedModel] = {}
        self._reconciling: dict[str, asyncio.Task] = {}
        self._closing: set[asyncio.Task] = set()

    @contextlib.contextmanager
    def use(self, spec: ModelSpec) -> Iterator[LoadedModel]:
        """Yields the version that a request is for, and keeps it loaded until the block ends.

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
            choice = f"Latest({spec.name})"
            if version is not None:
                choice = f"Specific({spec.name}, {version})"
            raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {choice}")
        with model.in_use():
            yield model

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the served models."""
        return tuple(self._models)

    def ready(self) -> bool:
        """Returns True if every model has a loaded version."""
        return all(served.loaded(None) for served in self._models.values())

    def metric_name(self, name: str) -> str:
        """Returns the name of a served model, "" for others.

        Clients can send any number of unknown names, which must not become labels of metrics.
        """
        return name if name in self._models else ""

    def status(self, name: str, version: int | None) -> list[Version]:
        """Returns all present and past versions of a model, the highest first.

        Args:
            name: name of the model.
            version: the only version to return, None for all.

        Raises:
            ServingError: NOT_FOUND for an unknown model or version.
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
        """Replaces the served models.

        Args:
            configs: models by name.
            wait: bool, whether to wait until new models are loaded.

        Raises:
            ServingError: FAILED_PRECONDITION for a label of a version that is not loaded, in which
                case nothing changes; UNKNOWN if `wait` is set and a new model cannot be loaded.
        """
        new = [name for name in configs if name not in self._models]
        if not self._allow_unavailable_labels:
            _check_labels([c for c in configs.values() if c.name not in new], self._models)
        for name in [name for name in self._models if name not in configs]:
            self._retired[name] = self._models.pop(name)
            self._schedule(self._retired[name])
        for name, config in configs.items():
            served = self._models.get(name) or self._retired.pop(name, None) or ServedModel(config)
            served.config = config
            self._models[name] = served
            self._schedule(served)
        if wait:
            await self._wait_for(new)

    async def _wait_for(self, new: list[str]) -> None:
        await asyncio.gather(*(self._reconciling[name] for name in new))
        failed = [name for name in new if self._models[name].loaded(None) is None]
        if failed:
            reasons = "; ".join(f"{name}: {self._models[name].load_errors()}" for name in failed)
            message = f"Servable(s) did not become available: {reasons}"
            raise ServingError(Code.UNKNOWN, message)
        if not self._allow_unavailable_labels:
            _check_labels([self._models[name].config for name in new], self._models)

    def poll(self) -> None:
        """Searches all folders in the background; loads new versions and unloads removed ones."""
        for served in [*self._models.values(), *self._retired.values()]:
            self._schedule(served)

    def _schedule(self, served: ServedModel) -> None:
        name = served.config.name
        running = self._reconciling.get(name)
        if running is None or running.done():
            self._reconciling[name] = asyncio.create_task(self._reconcile(served))
        else:  # The configuration may have changed since the search began.
            served.rescan = True

    async def _reconcile(self, served: ServedModel) -> None:
        while True:
            served.rescan = False
            try:
                await self._reconcile_once(served)
            except OSError as error:
                log.error("%s: %s", served.config.name, error)
            if not served.rescan:
                return

    async def _reconcile_once(self, served: ServedModel) -> None:
        retired = self._models.get(served.config.name) is not served
        if retired:
            targets: set[int] | None = set()
        else:
            targets = await asyncio.to_thread(served.find_versions)
        if targets is None:  # Without a folder, the loaded versions stay.
            return
        for number in sorted(targets):
            version = served.versions.setdefault(number, Version(number))
            if version.is_due(self.options.retries, self.options.retry_seconds):
                await self._load(served, version)
        if targets and not any(served.loaded(number) for number in targets):
            return  # The old versions stay until a new one is loaded.
        for version in served.versions.values():
            if version.number not in targets and version.state == State.AVAILABLE:
                self._unload(version)
            elif version.number not in served.folders and version.state == State.END:
                version.reset_attempts()

    async def _load(self, served: ServedModel, version: Version) -> None:
        version.state = State.LOADING
        folder = served.folders[version.number]
        log.info("%s: loading version %d", served.config.name, version.number)
        try:
            model = await asyncio.to_thread(
                self._load_now, served.config.name, version.number, folder
            )
        except Exception as error:  # A damaged folder can cause errors of many classes.
            version.set_failed(describe_error(error))
            log.error("%s: version %d: %s", served.config.name, version.number, version.error)
            return
        version.set_loaded(model)
        log.info("%s: version %d is available", served.config.name, version.number)

    def _load_now(self, name: str, number: int, folder: pathlib.Path) -> LoadedModel:
        options = self.options
        batching = read_version_batching(folder) if options.per_version_batching else None
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
                seconds = time.perf_counter() - start
                self._metrics.observe("model_warmup_latency", seconds, model_path=str(folder))
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
    # A fast collection: app.py excludes TensorFlow's own objects.
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
