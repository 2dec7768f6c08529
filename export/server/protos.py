"""Messages of TF Serving's text files that its Python package does not contain."""

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, text_format

from export.server.status import invalid

_FILE = "export/server/text_files.proto"
_PACKAGE = "export.server"
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _FIELD.TYPE_INT64,
    "string": _FIELD.TYPE_STRING,
    "bool": _FIELD.TYPE_BOOL,
}
# The text format uses the names of fields only, so the numbers are arbitrary.
_MESSAGES = {
    "Int64Value": {"value": "int64"},
    "StringValue": {"value": "string"},
    "BatchingParameters": {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "thread_pool_name": "StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
    "SSLConfig": {
        "server_key": "string",
        "server_cert": "string",
        "custom_ca": "string",
        "client_verify": "bool",
    },
}


def parse(text: str, proto: message.Message, kind: str) -> None:
    """Parses text format into a message.

    Raises:
        ServingError: INVALID_ARGUMENT with line and column.
    """
    try:
        text_format.Parse(text, proto)
    except text_format.ParseError as error:
        raise invalid(f"Invalid {kind}, line:column {error}") from None


def batching_parameters() -> message.Message:
    """Returns an empty BatchingParameters."""
    return _new("BatchingParameters")


def monitoring_config() -> message.Message:
    """Returns an empty MonitoringConfig."""
    return _new("MonitoringConfig")


def tls_config() -> message.Message:
    """Returns an empty SSLConfig."""
    return _new("SSLConfig")


def _new(name: str) -> message.Message:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))()


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        descriptor = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields.items(), start=1):
            repeated = kind.startswith("repeated ")
            kind = kind.removeprefix("repeated ")
            added = descriptor.field.add(name=field, number=number)
            added.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if kind in _SCALARS:
                added.type = _SCALARS[kind]
            else:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


_POOL = _pool()
