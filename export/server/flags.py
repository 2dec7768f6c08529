"""Command line of `export.serve`: the flags of tensorflow_model_server, and a few local ones."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Annotated, Literal

import tyro

from zoo.command_line import parse_options
from zoo.errors import UserError

DESCRIPTION = """Serves exported models over TensorFlow Serving's REST and gRPC APIs.

Runs tensorflow_model_server if it is on the PATH, else a local server with the same protocol. Flag
names may be written with dashes or with underscores.
"""


def _read_boolean(words: list[str]) -> bool:
    """Parses `--flag`, `--flag=true` and `--flag=false`."""
    text = words[0].lower() if words else "true"
    if text not in ("true", "false", "1", "0"):
        raise ValueError(f"must be true or false, received {words[0]!r}")
    return text in ("true", "1")


Switch = Annotated[
    bool,
    tyro.conf.FlagConversionOff,
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=(0, 1),
        metavar="[true|false]",
        instance_from_str=_read_boolean,
        is_instance=lambda value: isinstance(value, bool),
        str_from_instance=lambda value: [_text(value)],
    ),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorFlowServingOptions:
    """Flags that tensorflow_model_server has too."""

    model_name: str = "default"
    """Name of the model in URLs."""
    model_base_path: str = ""
    """Folder of one model; its versions are subfolders named 1, 2, ..."""
    model_config_file: str = ""
    """Text file that lists the models to serve, instead of --model-base-path."""
    model_config_file_poll_wait_seconds: int = 0
    """Seconds between two readings of that file; 0 reads it once."""
    rest_api_port: int = 8501
    """Port of the REST API; 0 turns it off."""
    port: int = 8500
    """Port of the gRPC API; 0 turns it off."""
    rest_api_timeout_in_ms: int = 30000
    """Milliseconds after which a computation is stopped (HTTP 504)."""
    rest_api_enable_cors_support: Switch = False
    """Allow pages of other web sites to send requests."""
    enable_batching: Switch = False
    """Compute concurrent requests in one batch."""
    batching_parameters_file: str = ""
    """Text file with the sizes and timeouts of batches."""
    enable_per_model_batching_parameters: Switch = False
    """Take batch sizes from each version's batching_params.pbtxt; without it, do not batch."""
    file_system_poll_wait_seconds: float = 1.0
    """Seconds between two searches for new versions."""
    max_num_load_retries: int = 5
    """Further attempts to load a version after a failure."""
    load_retry_interval_micros: int = 60_000_000
    """Microseconds between such attempts."""
    allow_version_labels_for_unavailable_models: Switch = False
    """Accept a new label whose version is not loaded."""
    enable_model_warmup: Switch = True
    """Replay assets.extra/tf_serving_warmup_requests before a version answers."""
    num_request_iterations_for_warmup: int = 1
    """Number of times that each warmup request is replayed."""
    enable_signature_method_name_check: Switch = False
    """Classify only with classify signatures, and regress only with regress signatures."""
    tensorflow_session_parallelism: int = 0
    """Sets both of the following two flags; 0 leaves the choice to TensorFlow."""
    tensorflow_intra_op_parallelism: int = 0
    """Threads of one operation; 0 is one per core."""
    tensorflow_inter_op_parallelism: int = 0
    """Operations that run at the same time; 0 is one per core."""
    enable_grpc_healthcheck_service: Switch = False
    """Add gRPC's standard health service."""
    ssl_config_file: str = ""
    """Text file with the key and certificate that turn on TLS for gRPC."""
    grpc_socket_path: str = ""
    """Unix socket that serves gRPC too."""
    saved_model_tags: str = "serve"
    """Comma-separated tags of the graph to serve."""
    monitoring_config_file: str = ""
    """Text file that turns on Prometheus metrics."""
    enable_serialization_as_tensor_content: Switch = False
    """Send tensors over gRPC as raw bytes."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(TensorFlowServingOptions):
    """All flags of `export.serve`."""

    engine: Literal["auto", "tensorflow_model_server", "local"] = "auto"
    """Server to run; auto is tensorflow_model_server if it is on the PATH, else local."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 opens the server to every network. Local server only."""
    max_request_bytes: int = 64 << 20
    """Size limit of a request after decompression. Local server only."""
    max_queued_requests: int = 1000
    """Requests that may wait; further ones get HTTP 503. Local server only."""
    drain_seconds: float = 30.0
    """Seconds that running requests may take after SIGTERM. Local server only."""
    access_log: Switch = False
    """Log each HTTP request as one line of JSON. Local server only."""
    playground: Switch = False
    """Serve a page at /playground/ to try the models in a browser. Local server only."""
    rest_url: str = ""
    """Serve only that page, for the models of the server at this address (http://HOST:PORT);
    --model-name may list several names, separated by commas."""


_SHARED = {field.name for field in dataclasses.fields(TensorFlowServingOptions)}


@dataclasses.dataclass(frozen=True)
class CommandLine:
    """A parsed command line.

    Args:
        options: the value of every flag.
        explicit: names of the flags that the user wrote, in the order of the flags.
    """

    options: Options
    explicit: tuple[str, ...]

    def local_flags(self) -> list[str]:
        """Returns the explicit flags that tensorflow_model_server does not have."""
        return [_flag(name) for name in self.explicit if name not in _SHARED | {"engine"}]

    def for_tensorflow_model_server(self) -> list[str]:
        """Returns the arguments that start tensorflow_model_server with the same settings."""
        values = {
            name: getattr(self.options, name)
            for name in (field.name for field in dataclasses.fields(TensorFlowServingOptions))
            if name in self.explicit or name == "rest_api_port"
        }
        for name in ("model_base_path", "model_config_file"):
            if values.get(name):
                values[name] = str(pathlib.Path(values[name]).expanduser().absolute())
        return [f"--{name}={_text(value)}" for name, value in values.items()]


def parse(arguments: Sequence[str], *, prog: str = "python -m export.serve") -> CommandLine:
    """Parses a command line.

    Args:
        arguments: the command line without the command.
        prog: name of the command in the help text.

    Raises:
        UserError: flags that contradict each other, or a value out of range.
        SystemExit: code 2 for an unknown flag or a value of a wrong type, 0 for `--help`.
    """
    options = parse_options(Options, arguments, command=prog, description=DESCRIPTION)
    words = {word.partition("=")[0].replace("-", "_") for word in arguments}
    names = (field.name for field in dataclasses.fields(Options))
    explicit = tuple(name for name in names if f"__{name}" in words)
    _check_models(options, explicit)
    _check_dependencies(options, explicit)
    _check_ranges(options)
    return CommandLine(options, explicit)


def _check_models(options: Options, explicit: Sequence[str]) -> None:
    if options.rest_url:
        _check_page_alone(options, explicit)
        return
    if bool(options.model_base_path) == bool(options.model_config_file):
        raise UserError("Give either --model-base-path DIR/NAME or --model-config-file FILE.")
    if options.model_config_file and "model_name" in explicit:
        raise UserError(
            "--model-name has no effect with --model-config-file, because the file names the "
            "models. Leave it out."
        )


def _check_page_alone(options: Options, explicit: Sequence[str]) -> None:
    if not options.playground:
        raise UserError("--rest-url needs --playground.")
    if ("model_name" in explicit) == bool(options.model_config_file):
        raise UserError(
            "--rest-url needs the names of the other server's models: give either --model-name "
            "NAME[,NAME...] or --model-config-file FILE."
        )
    known = {"model_name", "model_config_file", "rest_api_port", "rest_api_timeout_in_ms", "host"}
    known |= {
        "access_log",
        "max_request_bytes",
        "drain_seconds",
        "playground",
        "rest_url",
        "engine",
    }
    if other := [name for name in explicit if name not in known]:
        raise UserError(f"{_flag(other[0])} has no effect with --rest-url. Leave it out.")


def _check_dependencies(options: Options, explicit: Sequence[str]) -> None:
    for name, needed in (
        ("model_config_file_poll_wait_seconds", "model_config_file"),
        ("batching_parameters_file", "enable_batching"),
        ("enable_per_model_batching_parameters", "enable_batching"),
    ):
        if getattr(options, name) and not getattr(options, needed):
            raise UserError(f"{_flag(name)} needs {_flag(needed)}.")
    if "num_request_iterations_for_warmup" in explicit and not options.enable_model_warmup:
        raise UserError("--num-request-iterations-for-warmup has no effect without a warmup.")
    parallelism = {"tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism"}
    if options.tensorflow_session_parallelism and parallelism & set(explicit):
        raise UserError(
            "--tensorflow-session-parallelism sets --tensorflow-intra-op-parallelism and "
            "--tensorflow-inter-op-parallelism. Give it alone."
        )
    for name in ("grpc_socket_path", "ssl_config_file", "enable_grpc_healthcheck_service"):
        if getattr(options, name) and not options.port:
            raise UserError(f"{_flag(name)} has no effect with --port 0, which turns gRPC off.")
    if options.playground and not options.rest_api_port:
        raise UserError("--playground needs a --rest-api-port other than 0.")
    if not (options.port or options.rest_api_port):
        raise UserError("--port and --rest-api-port are both 0: nothing would be served.")


def _check_ranges(options: Options) -> None:
    counts = ("rest_api_timeout_in_ms", "max_request_bytes", "max_queued_requests")
    for name in (*counts, "num_request_iterations_for_warmup"):
        if getattr(options, name) < 1:
            raise UserError(f"{_flag(name)} must be at least 1, given {getattr(options, name)}.")
    seconds = options.file_system_poll_wait_seconds
    if seconds <= 0:
        raise UserError(f"--file-system-poll-wait-seconds must be positive, given {seconds}.")
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(options, name) < 65536:
            raise UserError(f"{_flag(name)} must be in 0..65535, given {getattr(options, name)}.")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
