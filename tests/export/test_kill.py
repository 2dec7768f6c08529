"""A killed export: the served version stays available, and no incomplete version is published."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.server_process import ROOT, serving

# The process kills itself when a function of the export is called for the n-th time.
KILLED = """
import os, signal, sys
from export import saved_model
from zoo.networks import DCGANCritic

place, directory = sys.argv[1:]
owner, name, count = {
    "making the folder": (saved_model.tempfile, "mkdtemp", 1),
    "writing the graph": (saved_model.tf.saved_model, "save", 1),
    "writing the warmup": (saved_model, "write_warmup", 2),
    "checking": (saved_model, "verify", 2),
    "publishing": (saved_model, "_publish", 2),
}[place]
function, calls = getattr(owner, name), 0

def called(*arguments, **options):
    global calls
    calls += 1
    result = None if name == "verify" else function(*arguments, **options)
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

if name != "verify":
    saved_model.verify = lambda folder, task: None
setattr(owner, name, called)
critic = DCGANCritic((8, 8, 1), filters=2)
saved_model.save_all({"m": critic, "n": critic}, directory)
"""
PLACES = ("making the folder", "writing the graph", "writing the warmup", "checking", "publishing")


@pytest.mark.slow
def test_a_killed_export_changes_nothing(tmp_path, saved_model):
    shutil.copytree(saved_model, tmp_path / "m" / "2")
    arguments = ("--model-name=m", "--model-base-path", tmp_path / "m")
    with serving(*arguments, "--file-system-poll-wait-seconds=0.1", version=2) as server:
        for place in PLACES:
            done = subprocess.run(
                [sys.executable, "-c", KILLED, place, str(tmp_path)],
                cwd=ROOT,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                capture_output=True,
                text=True,
            )
            assert done.returncode == -signal.SIGKILL, f"{place}: {done.stderr}"
            published = place == "publishing"  # Both models are complete by then.
            names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
            assert names == ({"m", "n"} if published else {"m"}), place
            assert {path.name for path in (tmp_path / "m").iterdir()} == (
                {"2", "3"} if published else {"2"}
            )
            if not published:
                assert server.states() == {"2": "AVAILABLE"}
                assert server.predict({"instances": [2.0]}) == (200, {"predictions": [3.0]})
        server.wait_for(3)
        server.wait_for(2, "END")
