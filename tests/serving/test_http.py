"""HTTP of the REST API: URLs, bodies, headers, model status and metrics."""

import asyncio
import gzip
import http.client
import http.server
import json
import logging

import pytest

from export.server.request_log import RequestLog
from tests.serving.conftest import HALF, PREDICT

MODELS = "/v1/models"


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", f"{MODELS}/no:predict", 404, "Servable not found for request: Latest(no)"),
        ("POST", f"{MODELS}/m/versions/9:predict", 404, "request: Specific(m, 9)"),
        ("POST", f"{MODELS}/m/labels/no:predict", 400, "Unrecognized servable version label: no"),
        ("POST", f"{MODELS}/m/versions/{2**63}:predict", 400, "Failed to convert version"),
        ("POST", f"{MODELS}/m/versions/{'9' * 5000}:predict", 400, "Failed to convert version"),
        ("POST", f"{MODELS}/m/versions/3/labels/stable:predict", 400, "Malformed request: POST"),
        ("POST", f"{MODELS}/m:PREDICT", 400, "Malformed request"),
        ("POST", f"{PREDICT}?x=1", 400, f"Malformed request: POST {PREDICT}?x=1"),
        ("POST", f"{PREDICT}/", 400, "Malformed request"),
        ("POST", f"{MODELS}/m", 400, "Malformed request"),
        ("GET", PREDICT, 400, f"Malformed request: GET {PREDICT}"),
        ("PUT", PREDICT, 400, "Malformed request: PUT"),
        ("DELETE", f"{MODELS}/m", 400, "Malformed request: DELETE"),
        ("OPTIONS", PREDICT, 400, "Malformed request: OPTIONS"),
        ("GET", MODELS, 400, "Missing model name in request."),
        ("GET", f"{MODELS}/m/", 400, "Malformed request"),
        ("GET", f"{MODELS}/no", 404, "Could not find any versions of model no"),
        ("GET", f"{MODELS}/m?x=1", 404, "Could not find any versions of model m?x=1"),
        ("GET", f"{MODELS}/m/versions/9", 404, "Could not find version 9 of model m"),
        ("GET", f"{MODELS}/no/metadata", 404, "Servable not found"),
        ("GET", f"{MODELS}/..%2F..%2Fetc", 404, "Could not find any versions"),
        ("GET", "/v1/other", 400, "Malformed request"),
    ],
)
def test_urls_that_fail(server, method, path, status, message):
    given, document = server.ask(method, path, HALF if method == "POST" else None)
    assert given == status and message in document["error"], document


@pytest.mark.parametrize(
    "path",
    [
        f"{MODELS}/m/versions/3:predict",
        f"{MODELS}/m/labels/stable:predict",
        f"{MODELS}/%6d:predict",
        "/V1/MODELS/m/Versions/3:predict",
    ],
)
def test_urls_of_the_same_model(server, path):
    assert server.ask("POST", path, HALF) == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_invalid_json_is_reported_before_an_unknown_model(server):
    assert server.ask("POST", f"{MODELS}/no:predict", b"{")[0] == 400


def test_other_paths_are_answered_with_html(server):
    status, headers, _ = server.ask_raw("GET", "/")
    assert (status, headers["content-type"]) == (404, "text/html")


def test_status(server):
    expected = {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("m", "m/versions/3", "m/labels/unknown", "%6D"):
        assert server.ask("GET", f"{MODELS}/{path}") == (200, expected)


def test_metadata(server):
    status, document = server.ask("GET", f"{MODELS}/m/metadata")
    assert status == 200
    assert document["model_spec"] == {"name": "m", "signature_name": "", "version": "3"}
    definitions = document["metadata"]["signature_def"]["signature_def"]
    assert "__saved_model_init_op" in definitions
    several = definitions["several"]
    assert several["method_name"] == "tensorflow/serving/predict" and several["defaults"] == {}
    a = several["inputs"]["a"]
    assert a["dtype"] == "DT_FLOAT"
    assert a["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
        "unknown_rank": False,
    }


def test_gzip(server):
    body = gzip.compress(json.dumps(HALF).encode())
    assert server.predict(body, content_encoding="gzip")[0] == 200
    for broken in (body[:-9], b"no gzip", b""):
        status, document = server.predict(broken, content_encoding="gzip")
        assert (status, document["error"]) == (400, "JSON Parse error: The document is empty")
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 200_000
    assert server.predict(bomb, content_encoding="gzip")[0] == 413


def test_a_large_body_is_refused(server):
    assert server.predict({"instances": [1.0] * 50_000})[0] == 413
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)
    chunks = iter([b" " * 10_000] * 30)
    connection.request("POST", PREDICT, chunks)
    with connection.getresponse() as response:
        document = json.loads(response.read())
    assert response.status == 413 and "larger than 200000" in document["error"]
    connection.close()


def test_chunked_and_keep_alive(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)
    for _ in range(2):
        body = iter([b'{"inst', b'ances": [1', b".0]}"])
        connection.request("POST", PREDICT, body, {"Expect": "100-continue"})
        assert json.loads(connection.getresponse().read()) == {"predictions": [2.5]}
    connection.close()


def test_other_web_sites_are_not_allowed_by_default(server):
    _, headers, _ = server.ask_raw("POST", PREDICT, HALF, origin="http://other.example")
    assert not [name for name in headers if name.startswith("access-control")]
    assert server.ask_raw("OPTIONS", PREDICT, origin="http://other.example")[0] == 200


def test_a_slow_computation_is_stopped(server):
    for _ in range(4):  # More requests than threads: no thread may stay busy.
        status, document = server.predict({"signature_name": "slow", "instances": [1000.0]})
        assert status == 504 and "imed out" in document["error"]
    assert server.predict(HALF)[0] == 200


def test_metrics(server):
    def metrics():
        status, headers, content = server.ask_raw("GET", "/monitoring/prometheus/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain")
        lines = [line for line in content.decode().splitlines() if line[0] != "#"]
        return {k: float(v) for k, v in (line.rsplit(" ", 1) for line in lines)}

    server.predict(HALF)
    server.predict(b"{")
    server.ask("POST", f"{MODELS}/invented:predict", b"{")
    before = metrics()
    server.predict(HALF)
    after = metrics()
    count = ':tensorflow:serving:request_count{model_name="m",status="%s"}'
    assert after[count % "OK"] == before[count % "OK"] + 1
    assert before[count % "INVALID_ARGUMENT"] >= 1
    assert not any("invented" in name for name in after)
    latency = ':tensorflow:serving:request_latency_bucket{model_name="m",API="Predict",'
    latency += 'entrypoint="REST",'
    infinite = f'{latency}le="+Inf"}}'
    assert after[infinite] == before[infinite] + 1
    assert sum(name.startswith(latency) for name in after) == 34


def test_answers_have_the_id_of_the_request(server):
    def request_id(path=PREDICT, **headers):
        return server.ask_raw("POST", path, HALF, **headers)[1]["x-request-id"]

    assert request_id(x_request_id="a-1.B_2") == "a-1.B_2"
    assert request_id(f"{MODELS}/no:predict", x_request_id="failed") == "failed"
    drawn = {request_id(), request_id(), request_id(x_request_id="x" * 65)}
    drawn.add(request_id(x_request_id="two words"))
    assert len(drawn) == 4 and all(len(one) == 32 for one in drawn)


def test_the_access_log_has_one_line_per_request(caplog):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"short"})

    async def send(message):
        pass

    scope = {"method": "GET", "raw_path": b'/v1/"x"', "headers": [(b"x-request-id", b"7")]}
    caplog.set_level(logging.INFO, logger="export.access")
    for writes in (True, False):
        asyncio.run(RequestLog(application, writes=writes)(dict(scope), send, send))
    (record,) = caplog.records
    line = json.loads(record.message)
    assert line.pop("milliseconds") >= 0
    assert line == {
        "id": "7", "method": "GET", "path": '/v1/"x"', "status": 418, "answer_bytes": 5
    }  # fmt: skip


def test_latencies_per_signature(server):
    server.predict(HALF)
    text = server.ask_raw("GET", "/monitoring/prometheus/metrics")[2].decode()
    labels = 'model_name="m",signature="serving_default"'
    assert f":tensorflow:serving:signature_latency_count{{{labels}}} " in text
