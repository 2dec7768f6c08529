"""Clients of the REST and gRPC APIs, in Python and on the command line."""

import http.client
import http.server
import pathlib
import socket
import threading

import numpy as np
import PIL.Image
import pytest

from export.client import Client, GrpcClient, model_client
from export.client.__main__ import main
from export.client.errors import (
    InvalidRequest,
    NotFound,
    ServerFailure,
    TimedOut,
    Unavailable,
    Unreachable,
)
from tests.serving.conftest import SHAPE
from training.sample import Options, draw


@pytest.fixture(params=["rest", "grpc"])
def client(request, exported):
    """A function that returns a client of a model, by name."""

    def connect(name, **options):
        if request.param == "rest":
            return Client(f"http://127.0.0.1:{exported.rest_port}/", name, **options)
        return GrpcClient(f"127.0.0.1:{exported.grpc_port}", name, **options)

    return connect


def images(n=3):
    return np.random.default_rng(0).integers(0, 256, (n, *SHAPE), dtype="uint8")


def test_classify(client, classifier):
    digits = client("digits")
    probabilities = digits.predict(images())
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, classifier.predict(images()), atol=1e-5)
    assert digits.classify(images()) == classifier.classify(images())
    sizes = [images()[0], np.repeat(images()[1], 3, axis=-1), images()[2, :5]]
    np.testing.assert_allclose(digits.predict(sizes), classifier.predict(sizes), atol=1e-5)
    scores = digits.run("score", {"images": images()})
    np.testing.assert_allclose(scores["losses"], classifier.losses_per_class(images()), atol=1e-5)
    with pytest.raises(ValueError, match="must be uint8"):
        digits.predict(images() / 255.0)


def test_generate(client, generator):
    digits = client("digits_generator", version=1)
    labels = [0, 1, 2]
    generated = digits.generate([5, 6, 7], labels=labels)
    assert generated.dtype == np.uint8 and generated.shape == (3, *SHAPE)
    expected = generator.generate(3, seed=5, labels=labels).astype(int)
    assert np.abs(generated - expected).max() <= 1
    half = generator.generate(3, seed=5, labels=labels, truncation=0.5).astype(int)
    assert np.abs(digits.generate([5, 6, 7], labels=labels, truncation=0.5) - half).max() <= 1
    assert np.abs(half - expected).max() > 1


def test_a_seed_gives_the_same_image_everywhere(exported, generator):
    seeds, labels = [3, 4, 40], [2, 2, 2]
    sampled, _ = draw(generator, Options(source="", seeds="3,4,40", grid="1x3"), label=2)
    generated = np.concatenate([generator.generate(1, seed=s, labels=2) for s in seeds])
    np.testing.assert_array_equal(sampled, generated)
    address = f"localhost:{exported.grpc_port}"
    with GrpcClient(address, "digits_generator") as grpc_client:
        rest = Client(f"http://localhost:{exported.rest_port}", "digits_generator")
        served = rest.generate(seeds, labels=labels)
        assert np.abs(served.astype(int) - generated).max() <= 1
        np.testing.assert_array_equal(grpc_client.generate(seeds, labels=labels), served)
        inputs = {"seed": np.array(seeds), "label": np.array(labels)}
        for client in (rest, grpc_client):  # The signature without PNG.
            np.testing.assert_array_equal(client.run("generate", inputs)["images"], served)
            alone = client.generate(seeds[1:2], labels=labels[1:2])
            assert np.abs(alone.astype(int) - served[1:2]).max() <= 1


def test_errors_have_classes(client):
    with pytest.raises(NotFound, match="nowhere"):
        client("nowhere").signatures()
    with pytest.raises(NotFound):
        client("digits", version=7).predict(images())
    with pytest.raises(InvalidRequest, match=r"label must be in 0..3"):
        client("digits_generator").generate([1], labels=[4])


@pytest.mark.parametrize("kind", [Client, GrpcClient])
def test_a_server_that_does_not_answer_times_out(kind):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        url = f"http://{address}" if kind is Client else address
        with pytest.raises(TimedOut):
            kind(url, "digits", timeout=0.2).predict(images())


def test_an_address_without_a_server():
    with pytest.raises(Unreachable, match="Is the server running"):
        Client("http://127.0.0.1:1", "m").signatures()


def test_requests_to_busy_servers_are_repeated(monkeypatch):
    requests, waits = [], []

    class Busy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            status = 503 if len(requests) < 3 else 500
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"error": "no"}')

        def log_message(self, *_):
            pass

    monkeypatch.setattr(model_client.time, "sleep", waits.append)
    with http.server.HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Unavailable):
            Client(url, "m", retries=1).signatures()
        assert (len(requests), waits) == (2, [0.1])
        with pytest.raises(ServerFailure, match="HTTP 500"):
            Client(url, "m", retries=5).signatures()
        assert len(requests) == 3
        server.shutdown()


def test_the_command_generates_and_classifies(exported, tmp_path, capsys, classifier, generator):
    address = ["--url", f"http://127.0.0.1:{exported.rest_port}"]
    generate = ["generate", "--name", "digits_generator", "-n", "2", "--seed", "9", "--label", "1"]
    assert main([*generate, "--out", str(tmp_path / "made"), *address]) == 0
    paths = capsys.readouterr().out.split()
    assert [pathlib.Path(p).name for p in paths] == [f"digits_generator-{n}.png" for n in (9, 10)]
    expected = generator.generate(2, seed=9, labels=1).astype(int)
    given = np.stack([np.asarray(PIL.Image.open(path)) for path in paths])
    assert np.abs(given - expected[..., 0]).max() <= 1
    assert main(["classify", "--name", "digits", *paths, *address]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == classifier.classify(given[..., None])
    (tmp_path / "no.png").write_text("no")
    for arguments, message in (
        (["classify", "--name", "digits", str(tmp_path / "no.png")], "is not an image file"),
        (["classify", "--name", "digits", "nowhere.png"], "No such file"),
        (["classify", "--name", "digits"], "Give the image files"),
        (["classify", "--name", "digits_generator", *paths], "does not classify"),
        (["generate", "--name", "digits"], "is not a generator"),
        (["generate", "--name", "digits_generator"], "Give it with --label"),
        (["generate", "--name", "digits_generator", "--label", "9"], "label must be in 0..3"),
        (["generate", "--name", "digits_generator", "-n", "0"], "at least 1"),
        (["generate", "--name", "nowhere"], "not found"),
    ):
        assert main([*arguments, *address]) == 2
        assert message in capsys.readouterr().err
