"""Tests with two processes that simulate two hosts: training, writing, and a killed process."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.support.hosts import free_ports, outputs, start_hosts, start_process
from tests.support.report_matrix import PAGE

COMMAND = ["-m", "training.fit", "--model", "lsgan", "--batch-size", "10"]
TINY = ["--generator-filters", "8", "--critic-filters", "4", "--latent-dim", "5"]
OPTIONS = [*COMMAND, *TINY, "--steps", "10", "--report-every", "5"]


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))


def arrays(run_dir: str, step: int = 10) -> dict[str, np.ndarray]:
    (path,) = pathlib.Path(run_dir, "checkpoints").glob(f"step-{step:09d}-*.npz")
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def files(folder: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")}


def test_two_hosts_train_as_one_process_and_only_the_chief_writes():
    """Each host has a separate folder, so that its files can be listed."""
    alone = start_process([*OPTIONS, "--run-dir", "alone"])
    printed = outputs([alone])
    assert alone.returncode == 0, printed
    for name in ("0", "1"):
        pathlib.Path(name).mkdir()
    hosts = start_hosts([*OPTIONS, "--run-dir", "run"], folders=("0", "1"))
    printed = outputs(hosts)
    assert [host.returncode for host in hosts] == [0, 0], printed
    assert "MultiWorkerMirroredStrategy" in printed[0]
    assert "Epoch" not in printed[1] and "evaluate" not in printed[1]
    assert {"run/recipe.json", "run/result.json", "run/preset"} <= files("0")
    assert files("1") == set()
    one, two = arrays("alone"), arrays("0/run")
    assert one.keys() == two.keys()
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        assert np.abs(value - two[name]).max() <= 1e-4 * scale, name
    assert json.loads(pathlib.Path("0/run/result.json").read_text())["steps"] == 10


def test_several_hosts_without_addresses_exit_with_2():
    process = start_process([*OPTIONS, "--strategy", "multi_worker"])
    printed, _ = process.communicate()
    assert process.returncode == 2
    assert "TF_CONFIG" in printed and "Traceback" not in printed


@pytest.mark.slow
def test_the_example_of_the_page_runs():
    """Only the size of the networks, the number of steps and the ports are changed."""
    (script,) = re.findall(r"```bash\n(# Two processes.*?)```", PAGE.read_text(), re.DOTALL)
    assert "--steps 300" in script
    script = script.replace("--steps 300", " ".join([*TINY, "--steps", "10"]))
    for port, free in zip(("23450", "23451"), free_ports(2), strict=True):
        assert port in script
        script = script.replace(port, str(free))
    done = subprocess.run(
        ["bash", "-euc", script], capture_output=True, text=True, timeout=480, env=with_python()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(pathlib.Path("runs/two/result.json").read_text())["steps"] == 10
    assert "2 x CPU (MultiWorkerMirroredStrategy)" in done.stdout


def with_python(command: str = f'exec "{sys.executable}" "$@"') -> dict[str, str]:
    """Returns an environment in which `python` is this interpreter, or another command."""
    folder = pathlib.Path("bin")
    folder.mkdir()
    (folder / "python").write_text(f"#!/bin/sh\n{command}\n")
    (folder / "python").chmod(0o755)
    return {**os.environ, "PATH": f"{folder.resolve()}:{os.environ['PATH']}"}


def wait_for_checkpoint(run_dir: str, step: int, hosts: list[subprocess.Popen]) -> None:
    deadline = time.monotonic() + 300
    while all(host.poll() is None for host in hosts) and time.monotonic() < deadline:
        saved = pathlib.Path(run_dir, "checkpoints").glob("step-*.npz")
        if any(int(path.name.split("-")[1]) >= step for path in saved):
            return
        time.sleep(0.05)
    for host in hosts:
        host.kill()
    raise AssertionError(f"no checkpoint of step {step}: {outputs(hosts)}")


LONG = [*COMMAND, *TINY, "--report-every", "1000", "--checkpoint-every", "20", "--steps", "800"]


def newest_step(run_dir: str) -> int:
    saved = pathlib.Path(run_dir, "checkpoints").glob("step-*.npz")
    return max(int(path.name.split("-")[1]) for path in saved)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_dead_worker_ends_the_others_with_a_message_and_the_run_resumes(victim, capsys):
    hosts = start_hosts([*LONG, "--run-dir", "run"])
    wait_for_checkpoint("run", 20, hosts)
    hosts[victim].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    printed = outputs(hosts, seconds=60)[1 - victim]
    with capsys.disabled():
        print(f"\nworker {victim} killed; the other ended {time.monotonic() - killed:.1f} s later")
    assert hosts[1 - victim].returncode == 4, printed
    assert "Another process of this run has ended" in printed
    assert "Run the same command on all hosts again" in printed
    assert "Traceback" not in printed

    last = newest_step("run")
    assert 20 <= last < 800
    hosts = start_hosts([*LONG, "--run-dir", "run"])
    printed = outputs(hosts)
    assert [host.returncode for host in hosts] == [0, 0], printed
    assert f"Going on from step {last}" in printed[0]
    assert newest_step("run") == 800


@pytest.mark.slow
def test_after_a_stop_signal_to_all_hosts_the_state_is_saved():
    """The other host gets the signal first and must not leave the chief waiting in a step."""
    hosts = start_hosts([*LONG, "--run-dir", "run"])
    wait_for_checkpoint("run", 20, hosts)
    for host in reversed(hosts):
        host.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    printed = outputs(hosts, seconds=60)
    assert [host.returncode for host in hosts] == [0, 0], printed
    assert "Resume with the same command" in printed[0]
    assert newest_step("run") < 800


@pytest.mark.slow
def test_the_chief_decides_the_steps_of_a_run_in_minutes():
    """Both hosts have the same folder, and measure different durations."""
    command = [*COMMAND, *TINY, "--minutes", "2", "--run-dir", "run"]
    hosts = start_hosts(command)
    printed = outputs(hosts)
    assert [host.returncode for host in hosts] == [0, 0], printed
    assert "measuring the step" in printed[0] and "measuring" not in printed[1]
    stored = json.loads(pathlib.Path("run/recipe.json").read_text())
    assert json.loads(pathlib.Path("run/result.json").read_text())["steps"] == stored["steps"]
    hosts = start_hosts([*COMMAND, *TINY, "--minutes", "0.001", "--run-dir", "short"])
    printed = outputs(hosts)
    assert [host.returncode for host in hosts] == [2, 2], printed
    assert all("--minutes 0.001 is too short" in text for text in printed)


@pytest.mark.slow
def test_the_chief_holds_the_lock_and_a_second_run_is_refused():
    first = start_hosts([*LONG, "--run-dir", "run"])
    wait_for_checkpoint("run", 20, first)
    assert json.loads(pathlib.Path("run/run.lock").read_text())["pid"] == first[0].pid
    second = start_hosts([*LONG, "--run-dir", "run"])
    printed = outputs(second, seconds=240)
    assert second[0].returncode == 2, printed
    assert f"is being trained by process {first[0].pid} on" in printed[0]
    assert second[1].returncode in (2, 4) and "Traceback" not in printed[1], printed
    assert all(host.poll() is None for host in first)
    for host in reversed(first):
        host.send_signal(signal.SIGTERM)
    printed = outputs(first, seconds=60)
    assert [host.returncode for host in first] == [0, 0], printed
    assert not pathlib.Path("run/run.lock").exists()


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 2])
def test_a_run_continues_on_another_number_of_hosts(first):
    """Compares five steps on some hosts and five on others with ten steps on one host."""
    shorter = [*COMMAND, *TINY, "--steps", "5", "--report-every", "5"]
    alone = start_process([*OPTIONS, "--run-dir", "alone"])
    printed = outputs([alone])
    assert alone.returncode == 0, printed
    for command, count in ((shorter, first), (OPTIONS, 3 - first)):
        hosts = start_hosts([*command, "--run-dir", "run"], folders=(".",) * count)
        printed = outputs(hosts)
        assert [host.returncode for host in hosts] == [0] * count, printed
    one, other = arrays("alone"), arrays("run")
    assert one.keys() == other.keys()
    for name, value in one.items():
        scale = max(np.abs(value).max(), 1e-3)
        assert np.abs(value - other[name]).max() <= 1e-4 * scale, name
