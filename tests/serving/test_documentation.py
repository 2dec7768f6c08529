"""The commands of docs/serving.md, and the examples that each exported version contains."""

import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from tests.serving.conftest import SHAPE
from tests.support.server_process import ROOT, Server


def with_ports(text, server):
    """Replaces the default ports by those of a server."""
    return text.replace("8501", str(server.rest_port)).replace("8500", str(server.grpc_port))


def run(command, folder):
    """Runs a shell command; returns its output."""
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    process = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, f"{command}\n{process.stderr}"
    assert '"error"' not in process.stdout, f"{command}\n{process.stdout}"
    return process.stdout


def blocks(text, language):
    """Returns the code blocks of a page, with continued lines joined."""
    return re.findall(rf"```{language}\n(.*?)```", text.replace("\\\n", ""), re.DOTALL)


def test_the_commands_and_the_code_of_the_page_work(run_folder):
    text = (ROOT / "docs" / "serving.md").read_text()
    lines = "".join(blocks(text, "bash")).splitlines()
    programs = ("python -m export.client", "python -m export.deploy", "curl")
    commands = [line for line in lines if line.startswith(programs)]
    (serve,) = [line for line in lines if line.startswith("python -m export.serve")]
    assert len(commands) == 6
    with contextlib.chdir(run_folder):
        arguments = [
            os.path.abspath(a) if a.startswith("served/") else a for a in shlex.split(serve)[3:]
        ]
    server = Server(*arguments)
    try:
        server.wait_for(1, model="digits_generator")
        for line in commands:
            line += f" --url http://localhost:{server.rest_port}" * (
                "export.client" in line and "--grpc" not in line
            )
            assert run(with_ports(line, server), run_folder)
        assert len(list((run_folder / "samples").glob("*.png"))) == 4
        (python,) = blocks(text, "python")
        names = {}
        exec(with_ports(python, server), names)
        assert names["images"].shape == (3, *SHAPE)
    finally:
        server.stop()


SMALL = " --steps 4 --batch-size 10 --report-every 2 --checkpoint-every 2"


@pytest.mark.slow
def test_the_commands_of_the_page_work_from_training_on(tmp_path):
    """Trains a run of four steps."""
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
        answer = run(with_ports(next(x for x in lines if x.startswith("curl")), server), tmp_path)
        assert '"b64"' in answer
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["digits", "digits_generator"])
def test_the_examples_of_an_exported_version_work(run_folder, exported, name, monkeypatch, capsys):
    text = (run_folder / "served" / name / "1" / "assets.extra" / "README.md").read_text()
    monkeypatch.chdir(run_folder)
    PIL.Image.fromarray(np.arange(64, dtype="uint8").reshape(SHAPE[:2])).save("image.png")
    (command,) = re.findall(r"^    (curl.*)$", text, re.MULTILINE)
    assert '"predictions"' in run(with_ports(command, exported), run_folder)
    for python in blocks(text, "python"):
        exec(with_ports(python, exported), {})
        assert (
            "probabilities" in (printed := capsys.readouterr().out)
            or "b64" in printed
            or "image_bytes" in printed
        )
