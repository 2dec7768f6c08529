"""The command line of `export.serve`: tensorflow_model_server's flags, dashes or underscores."""

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence

ENGINES = ("auto", "tensorflow_model_server", "local")


@dataclasses.dataclass(frozen=True)
class Flag:
    """One flag.

    Args:
        name: its name, in words separated by underscores.
        default: its default, which also says its type.
        help: what it does.
        local: bool, whether tensorflow_model_server lacks it.
    """

    name: str
    default: bool | int | float | str
    help: str
    local: bool = False


FLAGS = (
    Flag("model_name", "default", "the model's name in URLs"),
    Flag("model_base_path", "", "the folder of the model's versions, which are named 1, 2, ..."),
    Flag("model_config_file", "", "serve the models of this text file instead of one"),
    Flag("model_config_file_poll_wait_seconds", 0, "read that file again so often; 0 for never"),
    Flag("rest_api_port", 8501, "port of the REST API; 0 for none"),
    Flag("port", 8500, "port of the gRPC API; 0 for none"),
    Flag("rest_api_timeout_in_ms", 30000, "computations are stopped after this (504)"),
    Flag("rest_api_enable_cors_support", False, "answer browsers on other sites too"),
    Flag("enable_batching", False, "compute concurrent requests together"),
    Flag("batching_parameters_file", "", "how they are batched (text file)"),
    Flag(
        "enable_per_model_batching_parameters",
        False,
        "batch as each version's batching_params.pbtxt says, and versions without it not at all",
    ),
    Flag("file_system_poll_wait_seconds", 1.0, "look for new versions so often"),
    Flag("max_num_load_retries", 5, "how often a version that fails to load is tried again"),
    Flag("load_retry_interval_micros", 60_000_000, "how long after a failure"),
    Flag("allow_version_labels_for_unavailable_models", False, "let new labels point anywhere"),
    Flag("enable_model_warmup", True, "replay assets.extra/tf_serving_warmup_requests"),
    Flag("num_request_iterations_for_warmup", 1, "how often each of its requests is replayed"),
    Flag("enable_signature_method_name_check", False, "classify only with classify signatures"),
    Flag("tensorflow_session_parallelism", 0, "threads of an operation, and of a graph; 0: cores"),
    Flag("tensorflow_intra_op_parallelism", 0, "threads of an operation; 0 for one a core"),
    Flag("tensorflow_inter_op_parallelism", 0, "operations at a time; 0 for one a core"),
    Flag("enable_grpc_healthcheck_service", False, "gRPC's standard health service"),
    Flag("ssl_config_file", "", "TLS for gRPC as this text file says"),
    Flag("grpc_socket_path", "", "serve gRPC on this Unix socket too"),
    Flag("saved_model_tags", "serve", "comma-separated tags of the graph that is served"),
    Flag("monitoring_config_file", "", "publish Prometheus metrics as this text file says"),
    Flag("enable_serialization_as_tensor_content", False, "gRPC answers as raw bytes"),
    Flag("host", "127.0.0.1", "address to listen on; 0.0.0.0 for every network", local=True),
    Flag("max_request_bytes", 64 << 20, "the largest request's size, unpacked", local=True),
    Flag("max_queued_requests", 1000, "further requests are answered with 503", local=True),
    Flag("drain_seconds", 30.0, "how long SIGTERM waits for running requests", local=True),
)


@dataclasses.dataclass(frozen=True)
class Options:
    """The flags' values, with the names that `FLAGS` gives them."""

    model_name: str
    model_base_path: str
    model_config_file: str
    model_config_file_poll_wait_seconds: int
    rest_api_port: int
    port: int
    rest_api_timeout_in_ms: int
    rest_api_enable_cors_support: bool
    enable_batching: bool
    batching_parameters_file: str
    enable_per_model_batching_parameters: bool
    file_system_poll_wait_seconds: float
    max_num_load_retries: int
    load_retry_interval_micros: int
    allow_version_labels_for_unavailable_models: bool
    enable_model_warmup: bool
    num_request_iterations_for_warmup: int
    enable_signature_method_name_check: bool
    tensorflow_session_parallelism: int
    tensorflow_intra_op_parallelism: int
    tensorflow_inter_op_parallelism: int
    enable_grpc_healthcheck_service: bool
    ssl_config_file: str
    grpc_socket_path: str
    saved_model_tags: str
    monitoring_config_file: str
    enable_serialization_as_tensor_content: bool
    host: str
    max_request_bytes: int
    max_queued_requests: int
    drain_seconds: float


def parse(arguments: Sequence[str]) -> tuple[str, Options, list[str]]:
    """Reads a command line.

    Returns:
        The engine's name, the values, and the names of the flags that were given.
    """
    parser = argparse.ArgumentParser(
        prog="python -m export.serve", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="auto runs tensorflow_model_server where it is on the PATH, else the local server",
    )
    for flag in FLAGS:
        _add(parser, flag)
    values = vars(parser.parse_args([_with_dashes(argument) for argument in arguments]))
    engine = values.pop("engine")
    given = [name for name, value in values.items() if value is not None]
    defaults = {flag.name: flag.default for flag in FLAGS}
    options = Options(**{**defaults, **{name: values[name] for name in given}})
    _check(parser, options, given)
    return engine, options, given


def command_line(options: Options, given: Sequence[str]) -> list[str]:
    """Returns the arguments that make tensorflow_model_server do the same."""
    passed = [f for f in FLAGS if not f.local and (f.name in given or f.name == "rest_api_port")]
    values = {flag.name: getattr(options, flag.name) for flag in passed}
    for name in ("model_base_path", "model_config_file"):
        if values.get(name):
            values[name] = str(pathlib.Path(values[name]).expanduser().absolute())
    return [f"--{name}={_text(value)}" for name, value in values.items()]


def _add(parser: argparse.ArgumentParser, flag: Flag) -> None:
    name = "--" + flag.name.replace("_", "-")
    text = f"{flag.help} (default: {_text(flag.default) or 'none'})"
    if isinstance(flag.default, bool):
        parser.add_argument(name, nargs="?", const=True, type=_boolean, help=text)
    else:
        parser.add_argument(name, type=type(flag.default), help=text)


def _with_dashes(argument: str) -> str:
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"must be true or false, received {text!r}")
    return text.lower() in ("true", "1")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(parser: argparse.ArgumentParser, options: Options, given: Sequence[str]) -> None:
    if bool(options.model_base_path) == bool(options.model_config_file):
        parser.error("give either --model-base-path DIR/NAME or --model-config-file FILE")
    if options.model_config_file and "model_name" in given:
        parser.error("--model-name has no effect with --model-config-file, which names the models")
    if options.model_config_file_poll_wait_seconds and not options.model_config_file:
        parser.error("--model-config-file-poll-wait-seconds needs --model-config-file")
    if options.batching_parameters_file and not options.enable_batching:
        parser.error("--batching-parameters-file needs --enable-batching")
    if options.enable_per_model_batching_parameters and not options.enable_batching:
        parser.error("--enable-per-model-batching-parameters needs --enable-batching")
    if "num_request_iterations_for_warmup" in given and not options.enable_model_warmup:
        parser.error("--num-request-iterations-for-warmup has no effect without a warmup")
    parallelism = ("tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism")
    if options.tensorflow_session_parallelism and set(parallelism) & set(given):
        parser.error("--tensorflow-session-parallelism sets both; leave the others out")
    if options.grpc_socket_path and not options.port:
        parser.error("--grpc-socket-path has no effect with --port 0")
    for name in ("ssl_config_file", "enable_grpc_healthcheck_service"):
        if getattr(options, name) and not options.port:
            parser.error(f"--{name.replace('_', '-')} has no effect with --port 0")
    if not (options.port or options.rest_api_port):
        parser.error("--port and --rest-api-port are both 0: nothing would be served")
    for name in (
        *("rest_api_timeout_in_ms", "max_request_bytes", "max_queued_requests"),
        "num_request_iterations_for_warmup",
    ):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if options.file_system_poll_wait_seconds <= 0:
        parser.error("--file-system-poll-wait-seconds must be positive")
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(options, name) < 65536:
            parser.error(f"--{name.replace('_', '-')} must be in 0..65535")
