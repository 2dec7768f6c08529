"""Random requests: each gets an answer or an error, and the server keeps running."""

import contextlib
import json
import socket

import grpc
import hypothesis
import pytest
import tensorflow as tf
from hypothesis import strategies
from tensorflow_serving.apis import predict_pb2

SETTINGS = hypothesis.settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
SIGNATURES = ["", "several", "strings", "scalar", "classify", "regress", "echo_uint8", "positive"]
NAMES = ["x", "a", "b", "inputs", "b64"]

leaves = (
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(2**70), 2**70)
    | strategies.floats()
    | strategies.text(max_size=5)
    | strategies.just({"b64": "AAA="})
)
values = strategies.recursive(
    leaves,
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=12,
)
bodies = strategies.fixed_dictionaries(
    {},
    optional={
        "signature_name": strategies.sampled_from(SIGNATURES) | values,
        "instances": strategies.lists(values, max_size=3) | values,
        "inputs": values,
        "examples": strategies.lists(values, max_size=3) | values,
        "context": values,
    },
)
verbs = strategies.sampled_from(["predict", "classify", "regress"])


def check(status, document, ok_keys):
    if status == 200:
        assert set(document) & ok_keys
    else:
        assert 400 <= status < 600 and list(document) == ["error"]
        assert isinstance(document["error"], str) and document["error"] != "Internal error"


@SETTINGS
@hypothesis.given(body=bodies, verb=verbs)
def test_any_document(server, body, verb):
    status, document = server.ask("POST", f"/v1/models/m:{verb}", body)
    check(status, document, {"predictions", "outputs", "results"})


@SETTINGS
@hypothesis.given(body=strategies.binary(max_size=60), gzip=strategies.booleans())
def test_any_bytes(server, body, gzip):
    headers = {"content_encoding": "gzip"} if gzip else {}
    check(*server.predict(body, **headers), {"predictions"})


@SETTINGS
@hypothesis.given(data=strategies.data())
def test_damaged_requests(server, data):
    body = json.dumps({"signature_name": "several", "instances": [{"a": [1, 2], "b": 3}]})
    start = data.draw(strategies.integers(0, len(body)))
    length = data.draw(strategies.integers(0, 5))
    noise = data.draw(strategies.text('[]{}",:0e-.\\\x00n', max_size=4))
    changed = body[:start] + noise + body[start + length :]
    check(*server.predict(changed.encode()), {"predictions"})


@SETTINGS
@hypothesis.given(noise=strategies.binary(min_size=1, max_size=40), request=strategies.booleans())
def test_any_bytes_instead_of_http(server, noise, request):
    start = b"POST /v1/models/m:predict HTTP/1.1\r\n" if request else b""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.rest_port))) as client:
        client.settimeout(5)
        client.sendall(start + noise + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(10_000):
                answer += piece
    if answer:
        head, _, content = answer.partition(b"\r\n\r\n")
        assert int(head.split()[1]) in range(400, 600)
        if b"application/json" in head:
            assert list(json.loads(content.split(b"HTTP/1.1")[0])) == ["error"]


METHODS = [
    *(f"PredictionService/{name}" for name in ("Predict", "Classify", "Regress")),
    *("PredictionService/MultiInference", "PredictionService/GetModelMetadata"),
    "ModelService/GetModelStatus",
]


@pytest.fixture(scope="module")
def valid():
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.model_spec.signature_name = "several"
    request.inputs["a"].CopyFrom(tf.make_tensor_proto([[1.0, 2.0]]))
    request.inputs["b"].CopyFrom(tf.make_tensor_proto([3], tf.int64))
    return request.SerializeToString()


@SETTINGS
@hypothesis.given(data=strategies.data())
def test_any_bytes_over_grpc(server, valid, data):
    method = data.draw(strategies.sampled_from(METHODS))
    start = data.draw(strategies.integers(0, len(valid)))
    length = data.draw(strategies.integers(0, 5))
    noise = data.draw(strategies.binary(max_size=6))
    body = valid[:start] + noise + valid[start + length :]
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        try:
            channel.unary_unary(f"/tensorflow.serving.{method}")(body, timeout=30)
        except grpc.RpcError as error:
            assert error.code() != grpc.StatusCode.UNAVAILABLE
            if error.code() == grpc.StatusCode.UNKNOWN:  # gRPC's own error for an invalid message.
                assert "DecodeError" in error.details()
            assert error.details() != "Internal error"


@pytest.mark.parametrize("depth", [1100, 100_000])
def test_deep_documents(server, depth):
    for opening, closing in (("[", "]"), ('{"a": ', "}")):
        for value in ("1", "NaN"):
            body = f'{{"inputs": {opening * depth}{value}{closing * depth}}}'.encode()
            if len(body) < 190_000:
                check(*server.predict(body), set())
            status, document = server.predict(body[: len(body) // 2])
            assert status in (400, 413) and list(document) == ["error"]


@pytest.fixture(scope="module", autouse=True)
def still_answers(server):
    yield
    assert server.predict({"instances": [2.0]}) == (200, {"predictions": [3.0]})
    assert server.process.poll() is None
