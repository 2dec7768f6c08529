"""Flags of tensorflow_model_server that change what the local server does."""

import shutil
import subprocess
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export import batching_tuner
from export.check_requests import CheckRequest
from export.server import flags
from export.server.app import App
from export.server.config import read_batching, read_tls
from export.server.manager import LoadOptions
from export.server.model import LoadedModel
from export.server.status import ServingError
from tests.support.server_process import serving
from zoo.errors import UserError


def predict(channel):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([2.0]))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return stub.Predict(request, timeout=30).outputs["y"].float_val


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a self-signed certificate."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-keyout", key, "-out", certificate, "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    return key.read_text(), certificate.read_text()


def test_tls_health_and_batching_per_version(tmp_path, saved_model, certificate):
    for version, limit in (("m", 2), ("n", None)):
        shutil.copytree(saved_model, tmp_path / version / "1")
        if limit:
            parameters = f"max_batch_size {{ value: {limit} }}"
            (tmp_path / version / "1" / "batching_params.pbtxt").write_text(parameters)
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{tmp_path / name}" }} ' for name in "mn"
    )
    (tmp_path / "models.config").write_text(f"model_config_list {{ {entries} }}")
    key, public = certificate
    quoted = (text.replace("\n", "\\n") for text in (key, public))
    tls_file = tmp_path / "ssl.config"
    tls_file.write_text('server_key: "{}" server_cert: "{}"'.format(*quoted))
    with serving(
        *("--model-config-file", tmp_path / "models.config", "--ssl_config_file", tls_file),
        "--enable-grpc-healthcheck-service",
        *("--enable-batching", "--enable-per-model-batching-parameters"),
        *("--enable-signature-method-name-check", "--tensorflow-session-parallelism=1"),
    ) as server:
        server.wait_for(1, model="n")
        # The parameters of m allow two rows. n has no parameters and is not batched.
        three = {"instances": [1.0, 2.0, 3.0]}
        assert server.predict(three)[0] == 400
        assert server.predict(three, model="n")[0] == 200
        status, document = server.ask(
            "POST", "/v1/models/n:regress", {"signature_name": "regress", "examples": [{"x": 1.0}]}
        )
        assert status == 400 and "signature method_name" in document["error"]
        trusted = grpc.ssl_channel_credentials(public.encode())
        with grpc.secure_channel(f"localhost:{server.grpc_port}", trusted) as channel:
            assert predict(channel) == [3.0]
            health = health_pb2_grpc.HealthStub(channel)

            def status():
                return health.Check(health_pb2.HealthCheckRequest(), timeout=10).status

            wait_for(lambda: status() == health_pb2.HealthCheckResponse.SERVING)
            request = model_management_pb2.ReloadConfigRequest()
            (tmp_path / "empty").mkdir()
            text_format.Parse(
                f'model_config_list {{ config {{ name: "e" base_path: "{tmp_path / "empty"}" }} }}',
                request.config,
            )
            with pytest.raises(grpc.RpcError):
                model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request)
            wait_for(lambda: status() == health_pb2.HealthCheckResponse.NOT_SERVING)
        with grpc.insecure_channel(f"localhost:{server.grpc_port}") as channel:
            with pytest.raises(grpc.RpcError):
                predict(channel)


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_unix_socket_answers(tmp_path, saved_model):
    shutil.copytree(saved_model, tmp_path / "m" / "1")
    path = tmp_path / "grpc.sock"
    with serving(
        *("--model-name=m", "--model-base-path", tmp_path / "m", "--grpc-socket-path", path)
    ) as server:
        with grpc.insecure_channel(f"unix:{path}") as channel:
            assert predict(channel) == [3.0]
        health = health_pb2_grpc.HealthStub
        with grpc.insecure_channel(f"localhost:{server.grpc_port}") as channel:
            with pytest.raises(grpc.RpcError) as caught:
                health(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
            assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_threads_and_warmup_reach_the_model(tmp_path):
    def options(*arguments):
        parsed = flags.parse([f"--model-base-path={tmp_path}", *arguments]).options
        return App(parsed).manager.options

    assert options() == LoadOptions()
    both = options("--tensorflow_session_parallelism=3", "--num-request-iterations-for-warmup=4")
    assert (both.inter_op_threads, both.intra_op_threads, both.warmup_iterations) == (3, 3, 4)
    apart = options("--tensorflow_intra_op_parallelism=2", "--tensorflow_inter_op_parallelism=1")
    assert (apart.inter_op_threads, apart.intra_op_threads) == (1, 2)


def test_the_session_has_the_given_threads(saved_model):
    model = LoadedModel("m", 1, saved_model, threads=(2, 1))
    assert model._session._config.inter_op_parallelism_threads == 2
    assert model._session._config.intra_op_parallelism_threads == 1
    model.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--enable-per-model-batching-parameters"], "needs --enable-batching"),
        (["--enable-model-warmup=false", "--num-request-iterations-for-warmup=2"], "no effect"),
        (["--num-request-iterations-for-warmup=0"], "at least 1"),
        (["--port=0", "--grpc-socket-path=x"], "no effect"),
        (["--port=0", "--ssl-config-file=x"], "no effect"),
        (["--port=0", "--enable-grpc-healthcheck-service"], "no effect"),
        (
            ["--tensorflow-session-parallelism=2", "--tensorflow-intra-op-parallelism=2"],
            "Give it alone",
        ),
    ],
)
def test_flags_without_effect(arguments, message):
    with pytest.raises(UserError, match=message):
        flags.parse(["--model-base-path=a", *arguments])


def test_invalid_tls_files(tmp_path):
    for text in (
        "server_key: 'a'",
        "nonsense",
        "server_key: 'a' server_cert: 'b' client_verify: true",
    ):
        with pytest.raises(ServingError):
            read_tls(text)
    wrong = tmp_path / "ssl.config"
    wrong.write_text("server_key: 'a'")
    arguments = [f"--model-base-path={tmp_path}", f"--ssl-config-file={wrong}"]
    with pytest.raises(UserError, match="ssl.config: A TLS config needs"):
        App(flags.parse(arguments).options)


def test_measured_parameters_are_written(tmp_path, saved_model, monkeypatch):
    monkeypatch.setattr(batching_tuner, "_SECONDS", 0.02)
    shutil.copytree(saved_model, tmp_path / "1")
    request = CheckRequest("serving_default", {"x": np.float32([1.0, 2.0])}, None)
    result = batching_tuner.write_batching_parameters(tmp_path / "1", request)
    assert list(result.rows_per_second) == [1, 2, 4, 8, 16, 32]
    read = read_batching((tmp_path / "1" / "batching_params.pbtxt").read_text())
    assert read.max_batch_size == result.max_batch_size == read.allowed_sizes[-1]
    assert read.timeout_seconds * 1e6 == pytest.approx(result.timeout_micros)


def test_the_smallest_fast_settings_are_chosen():
    rows = {1: 10.0, 2: 30.0, 4: 58.0, 8: 60.0}
    chosen = batching_tuner.BatchingMeasurement("s", rows, {0: 40.0, 100: 50.0, 400: 51.0}, 25.0)
    assert (chosen.max_batch_size, chosen.timeout_micros, chosen.gain) == (4, 100, 2.0)
    read = read_batching(chosen.text())
    assert (read.allowed_sizes, read.timeout_seconds) == ((1, 2, 4), 1e-4)
    assert "2.00 times" in chosen.text()
