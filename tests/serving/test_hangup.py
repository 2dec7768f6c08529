"""SIGHUP: the configuration is read again; a closed terminal ends the server."""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.serving.test_life import config, entry
from tests.support.served_models import half_plus_two
from tests.support.server_process import ROOT, serving

# A server without TensorFlow: prints what SIGHUP does to it.
SCRIPT = """
import asyncio, signal, sys
from export.server.hangup import on_hangup

async def serve():
    stop = asyncio.Event()
    on_hangup(lambda: print("reload", flush=True, file=sys.stderr), stop)
    print("ready", flush=True, file=sys.stderr)
    await asyncio.wait_for(stop.wait(), 30)
    print("stop", flush=True, file=sys.stderr)

if "nohup" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
asyncio.run(serve())
"""


def test_the_file_of_models_is_read_again(tmp_path, saved_model):
    half_plus_two(tmp_path / "one" / "1")
    file = tmp_path / "models.config"
    file.write_text(config(entry(tmp_path / "one")))
    arguments = ("--model-config-file", file, "--file-system-poll-wait-seconds", 3600)
    with serving(*arguments, model="one", grpc=False) as server:
        shutil.copytree(tmp_path / "one" / "1", tmp_path / "one" / "2")
        shutil.copytree(tmp_path / "one" / "1", tmp_path / "two" / "1")
        file.write_text(config(entry(tmp_path / "one"), entry(tmp_path / "two")))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(1, model="two")
        server.wait_for(2, model="one")
        file.write_text("no configuration")
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
        for name in ("one", "two"):
            assert server.predict({"instances": [2.0]}, model=name)[0] == 200
        code, output = server.stop()
    assert code == 0 and "The configuration is not changed" in output


def _as_in_a_terminal() -> None:
    """Gives the new session its terminal; the tests themselves may run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@pytest.mark.parametrize("started", ["terminal", "nohup"])
def test_a_closed_terminal_ends_the_server(started):
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, started],
        cwd=ROOT,
        stdin=inside,
        stdout=inside,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_as_in_a_terminal,
    )
    os.close(inside)
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    assert process.stderr.readline() == "reload\n"
    os.close(terminal)
    if started == "terminal":
        assert process.communicate(timeout=30)[1] == "stop\n"
        assert process.returncode == 0
        return
    assert process.stderr.readline() == "reload\n"
    time.sleep(0.1)
    assert process.poll() is None
    process.kill()
    process.communicate()
