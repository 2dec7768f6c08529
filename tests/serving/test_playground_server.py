"""The server of the playground in front of another server, and the command `play`."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import time

import pytest

from export import play
from export import saved_model as saved_model_module
from export.server import flags
from export.server.page_server import PageServer
from export.server.playground import _ask
from export.server.proxy import Proxy
from tests.serving.conftest import HALF, PREDICT
from tests.support.server_process import free_port
from zoo.errors import UserError


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()


def test_the_page_of_another_server(server):
    port = free_port()
    options = flags.parse(
        [
            "--playground",
            f"--rest-url=http://127.0.0.1:{server.rest_port}",
            "--model-name=m, n",
            f"--rest-api-port={port}",
            "--max-request-bytes=10000",
        ]
    ).options
    half = json.dumps(HALF)
    requests = [
        ("GET", "/playground/models.json", None, {}),
        ("POST", PREDICT, half, {}),
        ("POST", PREDICT, half, {"Origin": f"http://127.0.0.1:{port}"}),
        ("POST", PREDICT, half, {"Origin": "https://evil.example"}),
        ("POST", PREDICT, half, {"Host": "evil.example"}),
        ("POST", PREDICT, "x" * 10001, {}),
        ("GET", "/v1/models/none", None, {}),
        ("GET", "/monitoring/prometheus/metrics", None, {}),
        ("GET", "/playground/index.html", None, {}),
    ]

    def ask_all():
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError):
                return [ask(port, *given, **headers) for *given, headers in requests]
            time.sleep(0.02)

    async def serve():
        serving = asyncio.create_task(PageServer(options).serve())
        answers = await asyncio.to_thread(ask_all)
        os.kill(os.getpid(), signal.SIGTERM)
        await serving
        return answers

    answers = asyncio.run(serve())
    assert [status for status, _, _ in answers] == [200, 200, 200, 403, 421, 413, 404, 404, 200]
    assert json.loads(answers[0][2])["models"] == ["m", "n"]
    for answer in answers[1:3]:
        assert json.loads(answer[2]) == {"predictions": [2.5, 3.0, 4.5]}
    for _, headers, _ in answers:
        assert "access-control-allow-origin" not in dict(headers)


def test_a_server_that_does_not_answer():
    proxy = Proxy(f"http://127.0.0.1:{free_port()}", timeout=5.0, max_bytes=1000)
    answer = json.loads(asyncio.run(_ask(proxy, PREDICT, b"{}")))
    assert "does not answer" in answer["error"]


@pytest.mark.parametrize("url", ["ftp://a", "a:8501", "http://", "http://a:x", "http://u@a"])
def test_addresses_that_cannot_be_used(url):
    with pytest.raises(UserError, match=f"--rest-url {url}"):
        Proxy(url, timeout=1.0, max_bytes=1)


def test_play_exports_and_serves(run_folder, monkeypatch, capsys):
    served = []

    def serve_locally(options):
        with open(options.model_config_file) as file:
            served.append((options, file.read()))

    monkeypatch.setattr(play, "serve_locally", serve_locally)
    monkeypatch.setattr(saved_model_module, "verify", lambda folder, task: None)
    assert play.main([str(run_folder / "runs" / "clsgan-digits")]) == 0
    ((options, text),) = served
    assert options.playground and options.host == "127.0.0.1" and options.port == 0
    assert 'name: "clsgan-digits"' in text and 'name: "clsgan-digits_generator"' in text
    assert not os.path.exists(options.model_config_file)
    assert "Exporting" in capsys.readouterr().out


def test_mistakes_of_play(run_folder, capsys):
    run = str(run_folder / "runs" / "clsgan-digits")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for arguments, message in (
            ([], "Built-in presets: clsgan_cifar10_4k"),
            (["lsgan_fashion"], "no preset 'lsgan_fashion'"),
            ([run, run + "/"], "Two models would have the name clsgan-digits"),
            ([run, "--port=70000"], "0..65535"),
            ([run, f"--port={taken.getsockname()[1]}"], "Choose another --port"),
        ):
            assert play.main(arguments) == 2
            assert message in capsys.readouterr().err
