"""Two processes and one folder: the second names the first, and a crash does not block anyone."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from training import lock
from training.lock import BREAKING_FILE, LOCK_FILE, Holder, RunLock, refuse_if_locked
from zoo.errors import UserError

HOLD = """
import pathlib, sys, time
from training.lock import RunLock
with RunLock(pathlib.Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock of the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def write(folder, age=0.0, **changes):
    """Writes the lock of this process with some fields changed, `age` seconds ago."""
    holder = dataclasses.replace(Holder.me(), **changes)
    path = folder / LOCK_FILE
    path.write_text(json.dumps(dataclasses.asdict(holder)))
    when = path.stat().st_mtime - age
    os.utime(path, (when, when))


def test_a_second_process_is_refused_and_names_the_first(other, tmp_path):
    with pytest.raises(UserError, match=f"process {other.pid} on .*, since 20"):
        RunLock(tmp_path).__enter__()
    with pytest.raises(UserError, match="another --run-dir"):
        refuse_if_locked(tmp_path)


def test_the_lock_of_a_killed_process_is_replaced(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / LOCK_FILE).exists()
    with RunLock(tmp_path) as held:
        assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()
        held.check()
    assert not list(tmp_path.iterdir())


def test_a_killed_process_that_its_parent_has_not_awaited_is_dead(other, tmp_path):
    other.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    refuse_if_locked(tmp_path)


def test_two_runs_in_one_process_exclude_each_other(tmp_path):
    with RunLock(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()}"):
        RunLock(tmp_path).__enter__()


@pytest.mark.parametrize(
    ("changes", "age", "held"),
    [
        ({}, 1e6, True),  # This process lives, whatever the time of the file.
        ({"started": "1"}, 0, False),  # The process id was given to another process.
        ({"pid": 2**22 + 1}, 0, False),
        ({"host": "elsewhere", "machine": "m", "boot": "b/1"}, 10, True),
        ({"host": "elsewhere", "machine": "m", "boot": "b/1"}, 1000, False),
        ({"boot": "before/1", "machine": ""}, 10, True),  # May be another machine of this name.
        ({"boot": "before/1", "machine": ""}, 1000, False),
    ],
)
def test_what_counts_as_held(changes, age, held, tmp_path):
    write(tmp_path, age=age, **changes)
    if held:
        with pytest.raises(UserError, match="being trained"):
            RunLock(tmp_path).__enter__()
    else:
        with RunLock(tmp_path):
            pass


def test_a_restart_of_the_machine_ends_its_processes(tmp_path, monkeypatch):
    me = dataclasses.replace(Holder.me(), machine="m")
    monkeypatch.setattr(Holder, "me", lambda: me)
    write(tmp_path, boot="before/1")
    refuse_if_locked(tmp_path)
    # Another container of the same start: its process cannot be seen from here.
    write(tmp_path, boot=me.boot.partition("/")[0] + "/other")
    with pytest.raises(UserError):
        refuse_if_locked(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_lock_is_held_until_it_is_old(text, tmp_path):
    path = tmp_path / LOCK_FILE
    path.write_text(text)
    with pytest.raises(UserError, match="another process"):
        RunLock(tmp_path).__enter__()
    os.utime(path, (0, 0))
    with RunLock(tmp_path):
        pass


def test_the_remains_of_a_crash_while_breaking_a_lock_are_removed(tmp_path):
    write(tmp_path, started="1")
    (tmp_path / BREAKING_FILE).write_text("")
    os.utime(tmp_path / BREAKING_FILE, (0, 0))
    with RunLock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_process_that_was_paused_notices_that_it_lost_the_lock(tmp_path):
    with RunLock(tmp_path) as held:
        write(tmp_path, token="new", host="elsewhere")
        with pytest.raises(UserError, match="elsewhere.*taken over"):
            held.check()
    assert (tmp_path / LOCK_FILE).exists()  # The lock of the other process.


def test_the_heartbeat_changes_the_time_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.02)
    path = tmp_path / LOCK_FILE
    with RunLock(tmp_path):
        os.utime(path, (0, 0))
        deadline = threading.Event()
        for _ in range(200):
            if path.stat().st_mtime > 0:
                break
            deadline.wait(0.02)
        assert path.stat().st_mtime > 0


def test_many_processes_that_find_a_stale_lock_take_it_once(tmp_path):
    write(tmp_path, started="1")
    code = (
        "import pathlib, sys, time\n"
        "from training.lock import RunLock\n"
        "from zoo.errors import UserError\n"
        "time.sleep(max(float(sys.argv[2]) - time.time(), 0))\n"
        "try:\n"
        "    RunLock(pathlib.Path(sys.argv[1])).__enter__()\n"
        "    print('holds', flush=True)\n"
        "    time.sleep(3)\n"
        "except UserError:\n"
        "    print('refused', flush=True)\n"
    )
    at = str(time.time() + 2)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), at], stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    said = [process.communicate()[0].strip() for process in processes]
    assert sorted(said) == ["holds"] + ["refused"] * 5
