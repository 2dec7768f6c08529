"""The lock of a folder on an object store: one process writes there at a time.

The lock is an object that names its process and a time, which the process renews. Stores that can
create an object only if it does not exist give the lock to one process. On others, each process
writes the lock and reads it again after a moment; the last one has it.
"""

import contextlib
import dataclasses
import json
import threading
import time

from zoo.errors import UserError
from zoo.lock_holder import Holder, is_alive
from zoo.storage.address import StoreError
from zoo.storage.manifest import LOCK
from zoo.storage.store import MissingObjectError, Store

HEARTBEAT_SECONDS = 30.0
STALE_SECONDS = 180.0
"""Age of the time in a lock from which on a process of another machine counts as dead."""
SETTLE_SECONDS = 1.0
"""Time between writing a lock in place of a stale one and reading it again."""


class StoreLock:
    """Holds the lock of a folder on an object store as a context manager.

    Args:
        store: the folder.

    Raises:
        UserError: another process holds the lock.
        StoreError: the store cannot be read or written.
    """

    def __init__(self, store: Store):
        self.store = store
        self.holder = Holder.me()
        self._released = threading.Event()

    def __enter__(self) -> "StoreLock":
        if not self.store.create(LOCK, self._content()):
            self._refuse_if_held()
            # The lock is stale. Another process may find this at the same moment.
            self.store.write(LOCK, self._content())
            time.sleep(SETTLE_SECONDS)
        self.check()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._released.set()
        with contextlib.suppress(StoreError):
            holder, _ = self._read()
            if holder == self.holder:
                self.store.remove(LOCK)

    def check(self) -> None:
        """Checks that no other process has taken the lock, for example while this one was paused.

        Raises:
            UserError: another process has taken it.
            StoreError: the store cannot be read.
        """
        holder, _ = self._read()
        if holder is not None and holder != self.holder:
            raise UserError(
                f"{holder} has taken over {self.store.address}, because this process did not "
                "respond. This process stops and uploads nothing more."
            )

    def _refuse_if_held(self) -> None:
        holder, renewed = self._read()
        if holder is None:
            return
        alive = is_alive(holder)
        if alive is None:
            alive = time.time() - renewed <= STALE_SECONDS
        if alive:
            raise UserError(
                f"{self.store.address} is being written by {holder}. Wait until it has ended, stop "
                f"it, or give another address. If it has crashed, wait {STALE_SECONDS:.0f} seconds "
                f"or delete {self.store.address}/{LOCK}."
            )

    def _content(self) -> bytes:
        return json.dumps(dataclasses.asdict(self.holder) | {"time": time.time()}).encode()

    def _read(self) -> tuple[Holder | None, float]:
        """Returns the holder and the time of its last renewal; None if no one can be read."""
        try:
            fields = json.loads(self.store.read(LOCK))
            renewed = float(fields.pop("time"))
            return Holder(**fields), renewed
        except MissingObjectError:
            return None, 0.0
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, StoreError):
                raise
            return None, 0.0

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(StoreError):
                holder, _ = self._read()
                if holder == self.holder and not self._released.is_set():
                    self.store.write(LOCK, self._content())
