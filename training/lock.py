"""The lock of a run's folder: one process trains in it at a time.

The lock is a file that is created with `O_EXCL`, which local and network file systems support. It
names its process, which changes the file's time every few seconds. A process that crashed leaves
the file behind. The next process recognises this: on the same machine the process does not exist
any more, and on another machine the file's time is old.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import tempfile
import threading
import time
from typing import Any

from zoo.errors import UserError
from zoo.lock_holder import Holder, is_alive

LOCK_FILE = "run.lock"
BREAKING_FILE = "run.lock.breaking"
"""Exists while a process removes the lock of another one that has crashed."""
HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 180.0
"""Age of the file's time from which on a process of another machine counts as dead."""

_TRIES = 100
_BREAKING_SECONDS = 30.0


class RunLock:
    """Holds the lock of a folder as a context manager.

    Args:
        folder: the folder of a run; it is created.

    Raises:
        UserError: another process holds the lock, or the folder cannot be written.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, RunLock(pathlib.Path(folder)) as lock:
    ...     lock.check()
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.holder = Holder.me()
        self._released = threading.Event()

    def __enter__(self) -> "RunLock":
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._acquire()
        except OSError as error:
            raise UserError(
                f"Cannot write to the run folder {self.folder}: {error.strerror}. "
                "Choose another with --run-dir."
            ) from None
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._released.set()
        if _read(self.folder) == self.holder:
            with contextlib.suppress(OSError):
                (self.folder / LOCK_FILE).unlink()

    def check(self) -> None:
        """Checks that no other process has taken the lock, for example while this one was paused.

        Raises:
            UserError: another process has taken it.
        """
        holder = _read(self.folder)
        if holder is not None and holder != self.holder:
            raise UserError(
                f"{holder} has taken over the run {self.folder}, because this process did not "
                "respond. This process stops and writes nothing more."
            )

    def _acquire(self) -> None:
        for _ in range(_TRIES):
            with contextlib.suppress(FileExistsError):
                _create(self.folder / LOCK_FILE, json.dumps(dataclasses.asdict(self.holder)))
                return
            refuse_if_locked(self.folder)
            self._break_stale()
        raise UserError(
            f"The lock of the run {self.folder} cannot be taken. If no process trains there, "
            f"delete {self.folder / LOCK_FILE} and {self.folder / BREAKING_FILE}."
        )

    def _break_stale(self) -> None:
        """Removes a stale lock, if no other process is doing the same."""
        breaking = self.folder / BREAKING_FILE
        try:
            _create(breaking, "")
        except FileExistsError:
            if _age(breaking) > _BREAKING_SECONDS:
                breaking.unlink(missing_ok=True)
            time.sleep(0.1)
            return
        try:
            # Another process may have replaced the stale lock by its own since it was read.
            if (self.folder / LOCK_FILE).exists() and not _is_held(self.folder):
                (self.folder / LOCK_FILE).unlink(missing_ok=True)
        finally:
            breaking.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                if _read(self.folder) == self.holder:
                    os.utime(self.folder / LOCK_FILE)


def refuse_if_locked(folder: pathlib.Path) -> None:
    """Checks that no live process holds the lock of a folder.

    Raises:
        UserError: a process holds it; the message names the process.
    """
    if not _is_held(folder):
        return
    holder = _read(folder) or "another process"
    raise UserError(
        f"The run {folder} is being trained by {holder}. Wait until it has ended, stop it, or give "
        f"another --run-dir. If that process does not exist any more, delete {folder / LOCK_FILE}."
    )


def _is_held(folder: pathlib.Path) -> bool:
    """Returns True if a folder has a lock whose process may be alive."""
    path = folder / LOCK_FILE
    if not path.exists():
        return False
    holder = _read(folder)
    alive = None if holder is None else is_alive(holder)
    return _age(path) <= STALE_SECONDS if alive is None else alive


def _create(path: pathlib.Path, text: str) -> None:
    """Creates a file that must not exist yet."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _read(folder: pathlib.Path) -> Holder | None:
    """Returns the holder of a lock; None if there is no lock or it cannot be read."""
    try:
        fields: dict[str, Any] = json.loads((folder / LOCK_FILE).read_text())
        return Holder(**fields)
    except (OSError, ValueError, TypeError):
        return None


def _age(path: pathlib.Path) -> float:
    """Returns the seconds since a file's time, by the clock of its file system."""
    with tempfile.NamedTemporaryFile(prefix=".clock-", dir=path.parent) as now:
        try:
            return os.stat(now.name).st_mtime - path.stat().st_mtime
        except FileNotFoundError:
            return 0.0
