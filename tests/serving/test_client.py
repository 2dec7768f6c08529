"""Exported models, served and asked as the documentation says."""

import contextlib
import http.server
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import threading

import numpy as np
import PIL.Image
import pytest

from export import client as client_module
from export import saved_model
from export.client import Client, GrpcClient
from export.client_command import main
from export.client_errors import (
    InvalidRequest,
    NotFound,
    ServerFailure,
    TimedOut,
    Unavailable,
    Unreachable,
)
from export.serve import main as serve
from export.server import flags
from export.server.app import App
from tests.support.server_process import ROOT, Server, serving
from training.sample import Request, draw
from zoo.errors import UserError
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

SHAPE = (8, 8, 1)


def randomize(model):
    """Gives a model weights with which its answers differ."""
    random = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if len(variable.shape) > 1:
            scale = 2.0 / np.sqrt(np.prod(variable.shape[:-1]))
            variable.assign(random.normal(0.0, scale, variable.shape))
    return model


@pytest.fixture(scope="module")
def classifier():
    features = CLSGANFeatures(SHAPE, filters=2)
    return randomize(ImageClassifier(features, 3, class_names=["ant", "bee", "cat"]))


@pytest.fixture(scope="module")
def generator():
    network = DCGANGenerator(SHAPE, latent_dim=4, base_filters=4, num_classes=4)
    return randomize(ImageGenerator(network))


@pytest.fixture(scope="module")
def walk(tmp_path_factory, classifier, generator):
    """The documentation's folder, with a run in it, after its commands up to the server's."""
    folder = tmp_path_factory.mktemp("walk")
    parts = {"generator": generator}
    save_bundle(folder / "runs" / "clsgan-digits" / "preset", root=classifier, parts=parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saved_model, "verify", lambda folder, task: None)
        saved_model.save_preset(folder / "runs" / "clsgan-digits", folder / "served", name="digits")
    text = "model_config_list {"
    for name in ("digits", "digits_generator"):
        text += f' config {{ name: "{name}" base_path: "{folder / "served" / name}" }}'
    (folder / "models.config").write_text(text + "}")
    return folder


@pytest.fixture(scope="module")
def exported(walk):
    with serving("--model-config-file", walk / "models.config", model="digits") as server:
        server.wait_for(1, model="digits_generator")
        yield server


@pytest.fixture(params=["rest", "grpc"])
def client(request, exported):
    def make(name, **options):
        if request.param == "rest":
            return Client(f"http://127.0.0.1:{exported.rest_port}/", name, **options)
        return GrpcClient(f"127.0.0.1:{exported.grpc_port}", name, **options)

    return make


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
    made = client("digits_generator", version=1)
    labels = [0, 1, 2]
    given = made.generate([5, 6, 7], labels=labels)
    assert given.dtype == np.uint8 and given.shape == (3, *SHAPE)
    expected = generator.generate(3, seed=5, labels=labels).astype(int)
    assert np.abs(given - expected).max() <= 1
    half = generator.generate(3, seed=5, labels=labels, truncation=0.5).astype(int)
    assert np.abs(made.generate([5, 6, 7], labels=labels, truncation=0.5) - half).max() <= 1
    assert np.abs(half - expected).max() > 1


def test_a_seed_is_one_image_everywhere(exported, generator):
    seeds, labels = [3, 4, 40], [2, 2, 2]
    sampled, _ = draw(generator, Request(seeds=seeds, label=2, grid=(1, 3)))
    generated = np.concatenate([generator.generate(1, seed=s, labels=2) for s in seeds])
    np.testing.assert_array_equal(sampled, generated)
    address = f"localhost:{exported.grpc_port}"
    with GrpcClient(address, "digits_generator") as grpc_client:
        rest = Client(f"http://localhost:{exported.rest_port}", "digits_generator")
        served = rest.generate(seeds, labels=labels)
        assert np.abs(served.astype(int) - generated).max() <= 1
        np.testing.assert_array_equal(grpc_client.generate(seeds, labels=labels), served)
        inputs = {"seed": np.array(seeds), "label": np.array(labels)}
        for client in (rest, grpc_client):  # As numbers, as well as in PNG.
            np.testing.assert_array_equal(client.run("generate", inputs)["images"], served)
            alone = client.generate(seeds[1:2], labels=labels[1:2])
            assert np.abs(alone.astype(int) - served[1:2]).max() <= 1


def test_errors_have_types(client):
    with pytest.raises(NotFound, match="nowhere"):
        client("nowhere").signatures()
    with pytest.raises(NotFound):
        client("digits", version=7).predict(images())
    with pytest.raises(InvalidRequest, match=r"label must be in 0..3"):
        client("digits_generator").generate([1], labels=[4])


@pytest.mark.parametrize("kind", [Client, GrpcClient])
def test_a_server_that_says_nothing_is_not_waited_for(kind):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        url = f"http://{address}" if kind is Client else address
        with pytest.raises(TimedOut):
            kind(url, "digits", timeout=0.2).predict(images())


def test_nobody_there():
    with pytest.raises(Unreachable, match="Is the server running"):
        Client("http://127.0.0.1:1", "m").signatures()


def test_busy_servers_are_asked_again(monkeypatch):
    asked, waited = [], []

    class Busy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status = 503 if len(asked) < 3 else 500
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"error": "no"}')

        def log_message(self, *_):
            pass

    monkeypatch.setattr(client_module.time, "sleep", waited.append)
    with http.server.HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(Unavailable):
            Client(url, "m", retries=1).signatures()
        assert (len(asked), waited) == (2, [0.1])
        with pytest.raises(ServerFailure, match="HTTP 500"):
            Client(url, "m", retries=5).signatures()
        assert len(asked) == 3
        server.shutdown()


def test_commands(exported, tmp_path, capsys, classifier, generator):
    where = ["--url", f"http://127.0.0.1:{exported.rest_port}"]
    make = ["generate", "--name", "digits_generator", "-n", "2", "--seed", "9", "--label", "1"]
    assert main([*make, "--out", str(tmp_path / "made"), *where]) == 0
    paths = capsys.readouterr().out.split()
    assert [pathlib.Path(p).name for p in paths] == [f"digits_generator-{n}.png" for n in (9, 10)]
    expected = generator.generate(2, seed=9, labels=1).astype(int)
    given = np.stack([np.asarray(PIL.Image.open(path)) for path in paths])
    assert np.abs(given - expected[..., 0]).max() <= 1
    assert main(["classify", "--name", "digits", *paths, *where]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[1] for line in lines] == classifier.classify(given[..., None])
    (tmp_path / "no.png").write_text("no")
    for arguments, message in (
        (["classify", "--name", "digits", str(tmp_path / "no.png")], "no image file"),
        (["classify", "--name", "digits", "nowhere.png"], "No such file"),
        (["classify", "--name", "digits_generator", *paths], "does not classify"),
        (["generate", "--name", "digits"], "is no generator"),
        (["generate", "--name", "digits_generator"], "give --label"),
        (["generate", "--name", "digits_generator", "--label", "9"], "label must be in 0..3"),
        (["generate", "--name", "digits_generator", "-n", "0"], "at least 1"),
        (["generate", "--name", "nowhere"], "not found"),
    ):
        assert main([*arguments, *where]) == 2
        assert message in capsys.readouterr().err


# The documentation


def ported(text, server):
    return text.replace("8501", str(server.rest_port)).replace("8500", str(server.grpc_port))


def run(command, folder):
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert '"error"' not in done.stdout, f"{command}\n{done.stdout}"
    return done.stdout


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_documentation_can_be_followed(walk):
    text = (ROOT / "docs" / "serving.md").read_text()
    lines = "".join(blocks(text, "bash")).splitlines()
    programs = ("python -m export.client", "python -m export.deploy", "curl")
    asked = [line for line in lines if line.startswith(programs)]
    (started,) = [line for line in lines if line.startswith("python -m export.serve")]
    assert len(asked) == 6
    with contextlib.chdir(walk):
        arguments = [
            os.path.abspath(a) if a.startswith("served/") else a for a in shlex.split(started)[3:]
        ]
    server = Server(*arguments)
    try:
        server.wait_for(1, model="digits_generator")
        for line in asked:
            line += f" --url http://localhost:{server.rest_port}" * (
                "export.client" in line and "--grpc" not in line
            )
            assert run(ported(line, server), walk)
        assert len(list((walk / "samples").glob("*.png"))) == 4
        (python,) = blocks(text, "python")
        names = {}
        exec(ported(python, server), names)
        assert names["images"].shape == (3, *SHAPE)
    finally:
        server.stop()


SMALL = " --steps 4 --batch-size 10 --report-every 2 --checkpoint-every 2"


@pytest.mark.slow
def test_the_walk_from_training_to_an_answer(tmp_path):
    """The page's own commands, with a run of four steps."""
    text = (ROOT / "docs" / "serving.md").read_text()
    lines = "".join(blocks(text, "bash")).splitlines()

    def command(start):
        (line,) = [line for line in lines if line.startswith(start)]
        return line

    run(command("python -m training.fit") + SMALL, tmp_path)
    printed = run(command("python -m export runs"), tmp_path)
    assert "digits_generator, version 1" in printed
    arguments = shlex.split(command("python -m export.serve"))[3:]
    with contextlib.chdir(tmp_path):
        arguments = [os.path.abspath(a) if a.startswith("served/") else a for a in arguments]
    server = Server(*arguments)
    try:
        server.wait_for(1, model="digits_generator")
        answer = run(ported(next(x for x in lines if x.startswith("curl")), server), tmp_path)
        assert '"b64"' in answer
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["digits", "digits_generator"])
def test_the_examples_beside_a_model_work(walk, exported, name, monkeypatch, capsys):
    text = (walk / "served" / name / "1" / "assets.extra" / "README.md").read_text()
    monkeypatch.chdir(walk)
    PIL.Image.fromarray(images()[0, ..., 0]).save("image.png")
    (command,) = re.findall(r"^    (curl.*)$", text, re.MULTILINE)
    assert '"predictions"' in run(ported(command, exported), walk)
    for python in blocks(text, "python"):
        exec(ported(python, exported), {})
        assert (
            "probabilities" in (said := capsys.readouterr().out)
            or "b64" in said
            or ("image_bytes" in said)
        )


def test_the_real_server_is_preferred(tmp_path):
    fake = tmp_path / "bin" / "tensorflow_model_server"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    command = [sys.executable, "-m", "export.serve", "--model-base-path=here", "--model-name", "m"]
    done = subprocess.run(
        [*command, "--enable-batching"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [
        "--model_name=m",
        f"--model_base_path={ROOT / 'here'}",
        "--rest_api_port=8501",
        "--enable_batching=true",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--model-base-path"),
        (["--model-base-path=a", "--model-config-file=b"], "either"),
        (["--model-base-path=a", "--batching-parameters-file=b"], "needs --enable-batching"),
        (["--model-base-path=a", "--model-config-file-poll-wait-seconds=1"], "needs"),
        (["--model-base-path=a", "--port=0", "--rest-api-port=0"], "nothing would be served"),
        (["--model-base-path=a", "--port=70000"], "0..65535"),
        (["--model-base-path=a", "--max_request_bytes=0"], "at least 1"),
        (["--model-base-path=a", "--file-system-poll-wait-seconds=0"], "must be positive"),
        (["--model-base-path=a", "--enable-batching=maybe"], "true or false"),
        (["--model-config-file=a", "--model-name=m"], "has no effect"),
        (["--model-base-path=a", "--unknown"], "unrecognized"),
    ],
)
def test_wrong_flags(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        serve(arguments)
    assert message in capsys.readouterr().err


def test_wrong_files_and_engines(tmp_path, monkeypatch, capsys):
    wrong = tmp_path / "wrong.config"
    wrong.write_text("nonsense {")
    here = f"--model-base-path={tmp_path}"
    for arguments, message in (
        (["--model-base-path=nowhere"], "is no folder"),
        ([f"--model-config-file={wrong}"], "wrong.config: Invalid model config"),
        (["--model-config-file=nowhere"], "cannot be read"),
        ([here, "--enable-batching", f"--batching-parameters-file={wrong}"], "wrong.config"),
        ([here, f"--monitoring-config-file={wrong}"], "wrong.config: Invalid monitoring config"),
    ):
        with pytest.raises(UserError, match=message):
            App(flags.parse(arguments)[1])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert serve([here, "--engine=tensorflow_model_server"]) == 2
    assert "is not on the PATH" in capsys.readouterr().err
    fake = tmp_path / "tensorflow_model_server"
    fake.write_text("")
    fake.chmod(0o755)
    assert serve([here, "--host=0.0.0.0"]) == 2
    assert "has no --host" in capsys.readouterr().err
