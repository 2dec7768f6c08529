"""Configuration of models, batching, TLS and metrics, from TF Serving's text files."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import grpc
from tensorflow_serving.config import model_server_config_pb2

from export.server import protos
from export.server.status import ServingError, invalid
from zoo.errors import UserError

PLATFORM = "tensorflow"
BATCHING_FILE = "batching_params.pbtxt"
METRICS_PATH = "/monitoring/prometheus/metrics"

Config = TypeVar("Config")


@dataclasses.dataclass(frozen=True)
class VersionPolicy:
    """Choice of the versions of a model to load.

    Args:
        latest: int, number of versions to load, from the highest down; 0 is all of them.
        specific: versions to load instead, if not empty.
    """

    latest: int = 1
    specific: tuple[int, ...] = ()

    def choose(self, versions: Sequence[int]) -> set[int]:
        """Returns the versions to load, among those that exist."""
        if self.specific:
            return set(versions) & set(self.specific)
        return set(sorted(versions)[-self.latest :])


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Args:
        name: name of the model in requests.
        base_path: folder with the versions.
        policy: choice of the versions to load.
        labels: versions by label.
    """

    name: str
    base_path: pathlib.Path
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Batching:
    """Sizes and timeouts of batches.

    Args:
        max_batch_size: int, largest number of rows.
        timeout_seconds: float, time that an incomplete batch waits for requests.
        max_enqueued_batches: int, number of batches that may wait for a thread.
        threads: int, number of batches that are computed at the same time.
        allowed_sizes: ascending sizes that batches are padded to; the last is `max_batch_size`.
        pad_variable_length_inputs: bool, whether inputs of different shapes are padded to one.
    """

    max_batch_size: int = 1000
    timeout_seconds: float = 0.0
    max_enqueued_batches: int = 10
    threads: int = os.cpu_count() or 1
    allowed_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False


def read_models(text: str) -> dict[str, ModelConfig]:
    """Parses the text of a `models.config` file; raises the errors of `models_from_proto`."""
    config = model_server_config_pb2.ModelServerConfig()
    protos.parse(text, config, "model config")
    return models_from_proto(config)


def models_from_proto(config: model_server_config_pb2.ModelServerConfig) -> dict[str, ModelConfig]:
    """Returns the models of a configuration message, by name.

    Raises:
        ServingError: INVALID_ARGUMENT for a repeated name, a relative path or another platform.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise invalid("custom_model_config is not supported; use model_config_list.")
    models: dict[str, ModelConfig] = {}
    for proto in config.model_config_list.config:
        if not proto.name:
            raise invalid("A model config needs a name.")
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
                f"Model {proto.name} has the platform {proto.model_platform!r}, expected "
                "'tensorflow'."
            )
        models[proto.name] = ModelConfig(
            name=proto.name,
            base_path=pathlib.Path(proto.base_path),
            policy=_policy(proto),
            labels=dict(proto.version_labels),
        )
    return models


def _policy(proto: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = proto.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return VersionPolicy(latest=0)
    if choice == "specific":
        if not policy.specific.versions:
            raise invalid(f"Model {proto.name}: the version policy 'specific' needs versions.")
        return VersionPolicy(specific=tuple(policy.specific.versions))
    return VersionPolicy(latest=policy.latest.num_versions or 1)


def read_batching(text: str) -> Batching:
    """Parses batching parameters, such as `max_batch_size { value: 32 }`.

    Raises:
        ServingError: INVALID_ARGUMENT for another text, or sizes that contradict each other.
    """
    proto = protos.batching_parameters()
    protos.parse(text, proto, "batching parameters")
    fields = {field.name: value for field, value in proto.ListFields()}
    names = ("max_batch_size", "max_enqueued_batches", "batch_timeout_micros", "num_batch_threads")
    values = {name: fields[name].value for name in names if name in fields}
    if "batch_timeout_micros" in values:
        values["timeout_seconds"] = values.pop("batch_timeout_micros") / 1e6
    if "num_batch_threads" in values:
        values["threads"] = values.pop("num_batch_threads")
    batching = dataclasses.replace(
        Batching(),
        allowed_sizes=tuple(fields.get("allowed_batch_sizes", ())),
        pad_variable_length_inputs=fields.get("pad_variable_length_inputs", False),
        **values,
    )
    sizes = batching.allowed_sizes
    if min(batching.max_batch_size, batching.max_enqueued_batches, batching.threads) < 1:
        raise invalid(
            "max_batch_size, max_enqueued_batches and num_batch_threads must be at least 1."
        )
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != batching.max_batch_size):
        raise invalid(
            f"allowed_batch_sizes must be ascending and end with max_batch_size "
            f"({batching.max_batch_size}), received {list(sizes)}."
        )
    return batching


def read_version_batching(folder: pathlib.Path) -> Batching | None:
    """Reads `batching_params.pbtxt` of a version; returns None without the file.

    Raises:
        ServingError: as for `read_batching`.
    """
    path = folder / BATCHING_FILE
    return read_batching(path.read_text()) if path.is_file() else None


def read_tls(text: str) -> grpc.ServerCredentials:
    """Parses a TLS config: `server_key`, `server_cert`, optional `custom_ca` and `client_verify`.

    Raises:
        ServingError: INVALID_ARGUMENT for another text, or a missing key or certificate.
    """
    proto = protos.tls_config()
    protos.parse(text, proto, "TLS config")
    fields = {field.name: value for field, value in proto.ListFields()}
    if not ("server_key" in fields and "server_cert" in fields):
        raise invalid("A TLS config needs server_key and server_cert (PEM texts).")
    if "client_verify" in fields and "custom_ca" not in fields:
        raise invalid("client_verify needs custom_ca, the certificate authority of the clients.")
    return grpc.ssl_server_credentials(
        [(fields["server_key"].encode(), fields["server_cert"].encode())],
        root_certificates=fields["custom_ca"].encode() if "custom_ca" in fields else None,
        require_client_auth=fields.get("client_verify", False),
    )


def read_metrics_path(text: str) -> str | None:
    """Parses a monitoring config; returns the path of the metrics, None if they are off."""
    proto = protos.monitoring_config()
    protos.parse(text, proto, "monitoring config")
    prometheus = proto.prometheus_config  # type: ignore[attr-defined]
    return (prometheus.path or METRICS_PATH) if prometheus.enable else None


def read_file(
    parse: Callable[[str], Config], path: str, *, flag: str = "--model-config-file"
) -> Config:
    """Reads and parses the text file of a flag.

    Raises:
        UserError: a file that cannot be read or parsed.
    """
    try:
        return parse(pathlib.Path(path).expanduser().read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{flag}: {path} cannot be read: {error}") from None
    except ServingError as error:
        raise UserError(f"{flag}: {path}: {error.message}") from None
