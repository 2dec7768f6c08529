"""Requests for the measurements of servers, and functions that send them."""

import base64
import http.client
import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.serving_server import newest, post

Send = Callable[[], None]
Inputs = dict[str, np.ndarray]


def example_requests(model: pathlib.Path) -> dict[str, Inputs]:
    """Returns one row per signature, from the version's own warmup requests.

    Raises:
        SystemExit: a folder without versions or without warmup requests.
    """
    import tensorflow as tf

    from export.server import warmup

    folder = model / str(newest(model))
    requests: dict[str, Inputs] = {}
    for log in warmup.read(folder):
        if log.WhichOneof("log_type") == "predict_log":
            request = log.predict_log.request
            rows = {key: tf.make_ndarray(proto)[:1] for key, proto in request.inputs.items()}
            requests.setdefault(request.model_spec.signature_name, rows)
    if not requests:
        raise SystemExit(f"error: {folder} has no warmup requests, which the benchmark sends")
    return requests


def rest_sender(port: int, model: str, signature: str | None, inputs: Inputs) -> Send:
    """Returns a function that sends one row over its own connection.

    The function raises RuntimeError for another status than 200.

    Args:
        port: port of the server.
        model: name of the model.
        signature: name of the signature, None to leave it out of the body.
        inputs: the row.
    """
    columns = {key: _to_json(value) for key, value in inputs.items()}
    instance = {key: value[0] for key, value in columns.items()}
    row = instance if len(instance) > 1 else next(iter(instance.values()))
    document: dict[str, Any] = {"instances": [row]}
    if signature:
        document["signature_name"] = signature
    body = json.dumps(document).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def send() -> None:
        status, content = post(connection, model, body)
        if status != 200:
            raise RuntimeError(content[:200])

    return send


def _to_json(value: np.ndarray) -> list:
    if value.dtype == object:
        return [{"b64": base64.b64encode(content).decode()} for content in value]
    return value.tolist()


def grpc_sender(port: int, model: str, signature: str, inputs: Inputs) -> Send:
    """Returns a function that sends one row over its own channel."""
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def send() -> None:
        stub.Predict(request, timeout=60)

    return send
