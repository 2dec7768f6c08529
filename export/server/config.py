"""What is served, and how it is batched: TF Serving's text files."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence

import grpc
from tensorflow_serving.config import model_server_config_pb2

from export.server import protos
from export.server.status import ServingError, invalid

PLATFORM = "tensorflow"
BATCHING_FILE = "batching_params.pbtxt"
METRICS_PATH = "/monitoring/prometheus/metrics"


@dataclasses.dataclass(frozen=True)
class Policy:
    """Which versions of a model are to be loaded.

    Args:
        latest: int, how many of the highest; 0 for all of them.
        specific: exactly these, where there are any.
    """

    latest: int = 1
    specific: tuple[int, ...] = ()

    def choose(self, versions: Sequence[int]) -> set[int]:
        """Returns those of the versions on disk that are to be loaded."""
        if self.specific:
            return set(versions) & set(self.specific)
        return set(sorted(versions)[-self.latest :])


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """One model to serve.

    Args:
        name: its name in requests.
        base_path: the folder of its versions.
        policy: which of them.
        labels: versions by label.
    """

    name: str
    base_path: pathlib.Path
    policy: Policy = Policy()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Batching:
    """How requests are put together.

    Args:
        max_batch_size: int, rows of a batch.
        timeout_seconds: float, how long an incomplete batch waits for more while a thread is free.
        max_enqueued_batches: int, how many batches may wait for a thread.
        threads: int, batches that are computed at a time.
        allowed_sizes: ascending sizes that a batch is filled up to; the last is `max_batch_size`.
        pad_variable_length_inputs: bool, whether inputs of several shapes are filled up to one.
    """

    max_batch_size: int = 1000
    timeout_seconds: float = 0.0
    max_enqueued_batches: int = 10
    threads: int = os.cpu_count() or 1
    allowed_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False


def read_models(text: str) -> dict[str, ModelConfig]:
    """Reads a `models.config` text; errors as for `models_of`."""
    config = model_server_config_pb2.ModelServerConfig()
    protos.parse(text, config, "model config")
    return models_of(config)


def models_of(config: model_server_config_pb2.ModelServerConfig) -> dict[str, ModelConfig]:
    """Returns the models of a config message, by name.

    Raises:
        ServingError: INVALID_ARGUMENT for repeated names, relative paths, other platforms.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise invalid("custom_model_config is not supported; use model_config_list.")
    models: dict[str, ModelConfig] = {}
    for proto in config.model_config_list.config:
        if not proto.name:
            raise invalid("A model config has no name.")
        if proto.name in models:
            raise invalid(
                f"Illegal to list model {proto.name} multiple times in config list",
            )
        if not os.path.isabs(proto.base_path):
            raise invalid(
                f"Expected model {proto.name} to have an absolute path or URI; got base_path()="
                f"{proto.base_path}"
            )
        if proto.model_platform not in ("", PLATFORM):
            raise invalid(
                f"Model {proto.name} has the platform {proto.model_platform!r}; only 'tensorflow' "
                "is served."
            )
        models[proto.name] = ModelConfig(
            name=proto.name,
            base_path=pathlib.Path(proto.base_path),
            policy=_policy(proto),
            labels=dict(proto.version_labels),
        )
    return models


def _policy(proto: model_server_config_pb2.ModelConfig) -> Policy:
    policy = proto.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return Policy(latest=0)
    if choice == "specific":
        if not policy.specific.versions:
            raise invalid(f"Model {proto.name}: the policy 'specific' needs versions.")
        return Policy(specific=tuple(policy.specific.versions))
    return Policy(latest=policy.latest.num_versions or 1)


def read_batching(text: str) -> Batching:
    """Reads a batching parameters text, such as `max_batch_size { value: 32 }`.

    Raises:
        ServingError: INVALID_ARGUMENT for what is no such text, or sizes that contradict.
    """
    proto = protos.batching_parameters()
    protos.parse(text, proto, "batching parameters")
    given = {field.name: value for field, value in proto.ListFields()}
    values = {name: v.value for name, v in given.items() if hasattr(v, "value")}
    if "batch_timeout_micros" in values:
        values["timeout_seconds"] = values.pop("batch_timeout_micros") / 1e6
    if "num_batch_threads" in values:
        values["threads"] = values.pop("num_batch_threads")
    values.pop("thread_pool_name", None)  # A name for logs.
    batching = dataclasses.replace(
        Batching(),
        allowed_sizes=tuple(given.get("allowed_batch_sizes", ())),
        pad_variable_length_inputs=given.get("pad_variable_length_inputs", False),
        **values,
    )
    sizes = batching.allowed_sizes
    if min(batching.max_batch_size, batching.max_enqueued_batches, batching.threads) < 1:
        raise invalid("max_batch_size, max_enqueued_batches and num_batch_threads start at 1.")
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != batching.max_batch_size):
        raise invalid(
            f"allowed_batch_sizes must be ascending and end with max_batch_size "
            f"({batching.max_batch_size}), received {list(sizes)}."
        )
    return batching


def read_own_batching(folder: pathlib.Path) -> Batching | None:
    """Reads a version's own `batching_params.pbtxt`, None without one.

    Raises:
        ServingError: as for `read_batching`.
    """
    path = folder / BATCHING_FILE
    return read_batching(path.read_text()) if path.is_file() else None


def read_tls(text: str) -> grpc.ServerCredentials:
    """Reads a TLS config: `server_key`, `server_cert`, and perhaps `custom_ca`, `client_verify`.

    Raises:
        ServingError: INVALID_ARGUMENT for what is no such text, or has no key or certificate.
    """
    proto = protos.tls_config()
    protos.parse(text, proto, "TLS config")
    given = {field.name: value for field, value in proto.ListFields()}
    if not ("server_key" in given and "server_cert" in given):
        raise invalid("A TLS config needs server_key and server_cert (PEM texts).")
    if "client_verify" in given and "custom_ca" not in given:
        raise invalid("client_verify needs custom_ca, to verify clients against.")
    return grpc.ssl_server_credentials(
        [(given["server_key"].encode(), given["server_cert"].encode())],
        root_certificates=given["custom_ca"].encode() if "custom_ca" in given else None,
        require_client_auth=given.get("client_verify", False),
    )


def read_metrics_path(text: str) -> str | None:
    """Reads a monitoring config; returns where the metrics are published, None for nowhere."""
    proto = protos.monitoring_config()
    protos.parse(text, proto, "monitoring config")
    prometheus = proto.prometheus_config  # type: ignore[attr-defined]
    return (prometheus.path or METRICS_PATH) if prometheus.enable else None


def describe_error(error: Exception) -> str:
    """Returns what a person needs of an error."""
    return error.message if isinstance(error, ServingError) else f"{error}" or repr(error)
