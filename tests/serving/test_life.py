"""New, broken and removed versions, new configurations, and shutdown, without lost requests."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import socket
import threading
import time

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_log_pb2,
)

from tests.support.served_models import half_plus_two
from tests.support.server_process import Server, serving

POLL = "--file_system_poll_wait_seconds=0.1"
ONE = {"instances": [2.0]}


def publish(model: pathlib.Path, version: pathlib.Path) -> None:
    """Copies a model to a hidden folder and renames it, as `python -m export` does."""
    aside = version.parent.parent / f".new-{version.name}"
    shutil.copytree(model, aside)
    os.rename(aside, version)


@pytest.fixture(scope="module")
def models(tmp_path_factory, saved_model):
    """SavedModels that answer 2.0 with their number."""
    folder = tmp_path_factory.mktemp("numbered")
    return {n: half_plus_two(folder / str(n), bias=n - 1.0) for n in (1, 2, 3, 4)}


@pytest.fixture(scope="module")
def server(tmp_path_factory, models):
    """A server to which each test adds a model."""
    base = tmp_path_factory.mktemp("first") / "first"
    base.mkdir()
    publish(models[1], base / "1")
    with serving("--model_name=first", "--model_base_path", base, POLL, model="first") as started:
        yield started


def reload(server: Server, *entries: str) -> None:
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(config(*entries), request.config)
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        assert stub.HandleReloadConfigRequest(request, timeout=60).status.error_code == 0


def config(*entries: str) -> str:
    return f"model_config_list {{ {' '.join(entries)} }}"


def entry(base: pathlib.Path, more: str = "") -> str:
    return f'config {{ name: "{base.name}" base_path: "{base}" {more} }}'


@pytest.fixture
def base(request, tmp_path, server, models):
    """Base path of a served model with version 1, named after the test."""
    base = tmp_path / request.node.name
    base.mkdir()
    publish(models[1], base / "1")
    reload(server, entry(base))
    return base


def test_versions_are_swapped_under_load(server, base, models):
    name = base.name
    stop, answers = threading.Event(), []

    def client():
        while not stop.is_set():
            answers.append(server.predict(ONE, model=name))

    def swap():
        for number in (2, 3, 4):
            publish(models[number], base / str(number))
            server.wait_for(number, model=name)
            server.wait_for(number - 1, "END", model=name)
        shutil.rmtree(base / "4")  # The previous version is loaded again.
        server.wait_for(3, model=name)
        server.wait_for(4, "END", model=name)

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        clients = [pool.submit(client) for _ in range(4)]
        try:
            pool.submit(swap).result(timeout=60)
        finally:
            stop.set()
        for future in clients:
            future.result()
    assert {status for status, _ in answers} == {200}
    values = [document["predictions"][0] for _, document in answers]
    assert set(values) == {1.0, 2.0, 3.0, 4.0} and len(values) > 100
    assert server.predict(ONE, model=name) == (200, {"predictions": [3.0]})
    assert server.states(name) == {"4": "END", "3": "AVAILABLE", "2": "END", "1": "END"}


def warmup(model: pathlib.Path, dtype: str) -> None:
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0], dtype))
    extra = model / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())


def test_a_broken_version_is_refused(server, base, models, tmp_path):
    name = base.name
    truncated = tmp_path / "truncated"
    shutil.copytree(models[2], truncated)
    (data,) = (truncated / "variables").glob("*.data*")
    data.write_bytes(data.read_bytes()[:1])
    cold = tmp_path / "cold"
    shutil.copytree(models[2], cold)
    warmup(cold, "float64")
    empty = tmp_path / "empty"
    empty.mkdir()
    for number, broken, message in (
        (2, truncated, "Read less bytes than requested"),
        (3, cold, "Expects arg[0] to be float but double is provided"),
        (4, empty, "SavedModel file does not exist"),
    ):
        publish(broken, base / str(number))
        server.wait_for(number, "END", model=name)
        _, document = server.ask("GET", f"/v1/models/{name}/versions/{number}")
        (version,) = document["model_version_status"]
        assert message in version["status"]["error_message"]
        assert version["status"]["error_code"] != "OK"
        assert server.predict(ONE, model=name) == (200, {"predictions": [1.0]})
    warm = tmp_path / "warm"
    shutil.copytree(models[4], warm)
    warmup(warm, "float32")
    publish(warm, base / "5")
    server.wait_for(5, model=name)
    assert server.predict(ONE, model=name) == (200, {"predictions": [4.0]})


def test_links_out_of_the_base_path_are_not_followed(server, base, models):
    name = base.name
    (base / "9").symlink_to(models[2])
    (base / "notes").mkdir()
    publish(models[3], base / "00000003")
    server.wait_for(3, model=name)
    server.wait_for(1, "END", model=name)
    assert server.states(name) == {"3": "AVAILABLE", "1": "END"}


def test_the_configuration_is_replaced(server, base, models, tmp_path):
    publish(models[2], base / "2")
    name = base.name
    server.wait_for(1, "END", model=name)
    other = tmp_path / "other"
    other.mkdir()
    publish(models[3], other / "7")
    both = "model_version_policy { all {} }"
    reload(server, entry(base, both), entry(other))
    assert server.predict(ONE, model="other") == (200, {"predictions": [3.0]})
    server.wait_for(1, model=name)
    assert server.predict(ONE, model=f"{name}/versions/1") == (200, {"predictions": [1.0]})
    labels = 'version_labels { key: "old" value: 1 } version_labels { key: "new" value: 2 }'
    reload(server, entry(base, f"{both} {labels}"))
    assert server.predict(ONE, model=f"{name}/labels/old") == (200, {"predictions": [1.0]})
    assert server.predict(ONE, model=f"{name}/labels/new") == (200, {"predictions": [2.0]})
    server.wait_for(7, "END", model="other")
    assert server.predict(ONE, model="other")[0] == 404
    wrong_label = entry(base, 'version_labels { key: "no" value: 8 }')
    for entries, code in (
        ([wrong_label], grpc.StatusCode.FAILED_PRECONDITION),
        ([entry(base), entry(tmp_path / "gone")], grpc.StatusCode.UNKNOWN),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            reload(server, *entries)
        assert caught.value.code() == code
    reload(server, entry(base, "model_version_policy { specific { versions: 1 } }"))
    server.wait_for(2, "END", model=name)
    assert server.predict(ONE, model=name) == (200, {"predictions": [1.0]})


def test_slow_clients_do_not_delay_others(server, base):
    body = json.dumps(ONE).encode()
    head = f"POST /v1/models/{base.name}:predict HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.rest_port)) for _ in range(50)]
    for connection in slow:
        connection.sendall(head.encode() + body[:5])
    assert server.predict(ONE, model=base.name) == (200, {"predictions": [1.0]})
    slow[0].sendall(body[5:])
    assert slow[0].recv(1000).startswith(b"HTTP/1.1 200")
    for connection in slow:
        connection.close()
    assert server.predict(ONE, model=base.name)[0] == 200


def test_the_file_is_polled_and_running_requests_finish_at_shutdown(tmp_path, models):
    for name, number in (("m", 1), ("n", 2)):
        (tmp_path / name).mkdir()
        publish(models[number], tmp_path / name / "1")
    file = tmp_path / "models.config"
    file.write_text(config(entry(tmp_path / "m")))
    arguments = ("--model-config-file", file, "--model-config-file-poll-wait-seconds=1")
    with serving(*arguments, POLL, grpc=False) as server:
        file.write_text("nonsense {")
        time.sleep(1.5)
        assert server.predict(ONE)[0] == 200
        file.write_text(config(entry(tmp_path / "n")))
        server.wait_for(1, model="n")
        server.wait_for(1, "END")
        assert server.predict(ONE)[0] == 404

        slow = {"signature_name": "slow", "instances": [0.2]}
        idle = socket.create_connection(("127.0.0.1", server.rest_port))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = [pool.submit(server.predict, slow, model="n") for _ in range(2)]
            time.sleep(0.3)
            assert not any(answer.done() for answer in answers)
            server.process.send_signal(signal.SIGTERM)
            results = [answer.result() for answer in answers]
        assert results == [(200, {"predictions": [0.2]})] * 2
        idle.close()
        code, output = server.stop()
        assert code == 0 and "The configuration is not changed" in output
        with pytest.raises(ConnectionError):
            server.predict(ONE)
