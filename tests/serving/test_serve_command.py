"""`python -m export.serve`: the choice of the server, and errors."""

import os
import subprocess
import sys

import pytest

from export.serve import main as serve
from export.server import flags
from export.server.app import App
from tests.support.server_process import ROOT
from zoo.errors import UserError


def test_tensorflow_model_server_is_preferred(tmp_path):
    fake = tmp_path / "bin" / "tensorflow_model_server"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@"\n')
    fake.chmod(0o755)
    command = [sys.executable, "-m", "export.serve", "--model-base-path=here", "--model-name", "m"]
    process = subprocess.run(
        [*command, "--enable-batching"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert process.stdout.split() == [
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
        (["--model-config-file=a", "--model-name=m"], "has no effect"),
        (["--model-base-path=a", "--playground", "--rest-api-port=0"], "--playground needs"),
        (["--rest-url=http://a"], "needs --playground"),
        (["--rest-url=http://a", "--playground"], "either --model-name NAME[,NAME...]"),
        (["--rest-url=ftp://a", "--playground", "--model-name=m"], "expected http://HOST:PORT"),
        (
            ["--rest-url=http://a", "--playground", "--model-name=m", "--enable-batching"],
            "--enable-batching has no effect with --rest-url",
        ),
    ],
)
def test_flags_that_contradict_each_other(arguments, message, capsys):
    assert serve(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "message"),
    [("--enable-batching=maybe", "true or false"), ("--unknown", "Unknown option --unknown")],
)
def test_flags_that_cannot_be_parsed(argument, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        serve(["--model-base-path=a", argument])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], False),
        (["--enable-batching"], True),
        (["--enable_batching=true"], True),
        (["--enable-batching", "1"], True),
        (["--enable_batching", "--port=8600"], True),
        (["--enable-batching=False"], False),
    ],
)
def test_switches_take_an_optional_value(arguments, expected):
    command = flags.parse(["--model-base-path=a", *arguments])
    assert command.options.enable_batching is expected
    assert ("enable_batching" in command.explicit) == bool(arguments)


def test_files_and_engines_that_cannot_be_used(tmp_path, monkeypatch, capsys):
    wrong = tmp_path / "wrong.config"
    wrong.write_text("nonsense {")
    here = f"--model-base-path={tmp_path}"
    for arguments, message in (
        (["--model-base-path=nowhere"], "is not a folder"),
        ([f"--model-config-file={wrong}"], "wrong.config: Invalid model config"),
        (["--model-config-file=nowhere"], "cannot be read"),
        ([here, "--enable-batching", f"--batching-parameters-file={wrong}"], "wrong.config"),
        ([here, f"--monitoring-config-file={wrong}"], "wrong.config: Invalid monitoring config"),
    ):
        with pytest.raises(UserError, match=message):
            App(flags.parse(arguments).options)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert serve([here, "--engine=tensorflow_model_server"]) == 2
    assert "is not on the PATH" in capsys.readouterr().err
    fake = tmp_path / "tensorflow_model_server"
    fake.write_text("")
    fake.chmod(0o755)
    assert serve([here, "--host=0.0.0.0"]) == 2
    assert "has no --host" in capsys.readouterr().err
