"""The lock of a folder on an object store."""

import dataclasses
import json
import subprocess
import sys
import threading
import time

import pytest

from zoo.errors import UserError
from zoo.lock_holder import Holder
from zoo.storage import lock
from zoo.storage.lock import StoreLock
from zoo.storage.manifest import LOCK
from zoo.storage.store import Store

HOLD = """
import sys, time
from zoo.storage.lock import StoreLock
from zoo.storage.store import Store
with StoreLock(Store(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(3600)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(lock, "SETTLE_SECONDS", 0.2)


def write(store, age=0.0, **changes):
    """Writes the lock of this process with some fields changed, `age` seconds ago."""
    fields = dataclasses.asdict(dataclasses.replace(Holder.me(), **changes))
    store.write(LOCK, json.dumps(fields | {"time": time.time() - age}).encode())


def test_one_holder_at_a_time(address):
    store = Store(address)
    with StoreLock(store) as held:
        held.check()
        with pytest.raises(UserError, match=r"is being written by process \d+ on"):
            StoreLock(store).__enter__()
        held.check()
    assert store.names() == []
    with StoreLock(store):
        pass


def test_another_process_holds_it_until_it_is_killed(s3_address):
    arguments = [sys.executable, "-c", HOLD, s3_address]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "holds\n"
    store = Store(s3_address)
    with pytest.raises(UserError, match=f"process {process.pid} on .*another address"):
        StoreLock(store).__enter__()
    process.kill()
    process.communicate()
    assert store.names() == [LOCK]
    with StoreLock(store):
        pass
    assert store.names() == []


@pytest.mark.parametrize(("age", "held"), [(10, True), (1000, False)])
def test_a_process_of_another_machine_is_dead_when_its_lock_is_old(age, held):
    store = Store(f"memory://bucket/lock-{age}")
    write(store, age=age, host="elsewhere", machine="m", boot="b/1")
    if held:
        with pytest.raises(UserError, match="elsewhere.*wait 180 seconds or delete memory://"):
            StoreLock(store).__enter__()
    else:
        with StoreLock(store):
            pass


def test_a_damaged_lock_is_replaced():
    store = Store("memory://bucket/damaged-lock")
    store.write(LOCK, b"[]")
    with StoreLock(store):
        pass


def test_a_process_that_was_paused_notices_that_it_lost_the_lock(address):
    store = Store(address)
    with StoreLock(store) as held:
        write(store, token="new", host="elsewhere")
        with pytest.raises(UserError, match="elsewhere.*has taken over"):
            held.check()
    assert store.names() == [LOCK]  # The lock of the other process.


def test_of_many_that_find_a_stale_lock_one_has_it_in_the_end(address):
    store = Store(address)
    write(store, age=1000, host="elsewhere", machine="m", boot="b/1")
    found, start = [], threading.Barrier(4)

    def take():
        start.wait()
        try:
            StoreLock(Store(address)).__enter__().check()
            found.append("holds")
        except UserError:
            found.append("refused")

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["holds"] + ["refused"] * 3


def test_the_lock_is_renewed(monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.02)
    store = Store("memory://bucket/renewed")
    with StoreLock(store):
        first = store.read(LOCK)
        deadline = time.monotonic() + 5
        while store.read(LOCK) == first and time.monotonic() < deadline:
            time.sleep(0.02)
        assert store.read(LOCK) != first
