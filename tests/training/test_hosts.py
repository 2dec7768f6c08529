"""Two processes on loopback stand for two hosts."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

OPTIONS = ["--model", "lsgan", "--steps", "10", "--batch-size", "10", "--report-every", "5"]
TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(run_dir: str, *more: str, config: dict | None = None) -> subprocess.Popen:
    environment = dict(os.environ)
    if config is not None:
        environment["TF_CONFIG"] = json.dumps(config)
    arguments = [sys.executable, "-m", "training.fit", *OPTIONS, *TINY, "--run-dir", run_dir]
    return subprocess.Popen(
        [*arguments, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def arrays(run_dir: str) -> dict[str, np.ndarray]:
    (path,) = pathlib.Path(run_dir, "checkpoints").glob("step-000000010-*.npz")
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def test_two_hosts_train_as_one_process_and_only_the_chief_writes():
    alone = start("alone")
    assert alone.wait() == 0, alone.communicate()[0]
    alone.communicate()
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    tasks = [{"type": "worker", "index": i} for i in range(2)]
    workers = [
        start("hosts", config={"cluster": {"worker": hosts}, "task": task}) for task in tasks
    ]
    said = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert "MultiWorkerMirroredStrategy" in said[0]
    assert "Epoch" not in said[1] and "evaluate" not in said[1]
    one, two = arrays("alone"), arrays("hosts")
    assert one.keys() == two.keys()
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        assert np.abs(value - two[name]).max() <= 1e-4 * scale, name
    assert json.loads(pathlib.Path("hosts", "result.json").read_text())["steps"] == 10


def test_several_hosts_without_any_named_is_a_mistake():
    process = start("run", "--strategy", "multi_worker")
    said, _ = process.communicate()
    assert process.returncode == 2
    assert "TF_CONFIG" in said and "Traceback" not in said
