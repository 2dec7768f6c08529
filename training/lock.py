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
import platform
import socket
import tempfile
import threading
import time
import uuid
from typing import Any

from zoo.errors import UserError

LOCK_FILE = "run.lock"
BREAKING_FILE = "run.lock.breaking"
"""Exists while a process removes the lock of another one that has crashed."""
HEARTBEAT_SECONDS = 15.0
STALE_SECONDS = 180.0
"""Age of the file's time from which on a process of another machine counts as dead."""

_TRIES = 100
_BREAKING_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        token: str, different for every lock.
        host: str, name of the machine.
        machine: str, identifies a machine over restarts; empty if unknown.
        boot: str, identifies a start of a machine and a container on it; empty if unknown.
        pid: int, the process.
        started: str, the start time of the process in ticks; empty if unknown.
        since: str, the time at which the lock was taken.
    """

    token: str
    host: str
    machine: str
    boot: str
    pid: int
    started: str
    since: str

    @classmethod
    def me(cls) -> "Holder":
        """Describes this process."""
        return cls(
            token=uuid.uuid4().hex,
            host=socket.gethostname(),
            machine=_first_line("/etc/machine-id"),
            boot=_boot(),
            pid=os.getpid(),
            started=_start_time(os.getpid()) or "",
            since=time.strftime("%Y-%m-%d %H:%M:%S %z"),
        )

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


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
    holder, me = _read(folder), Holder.me()
    if holder is not None and (holder.host, holder.boot) == (me.host, me.boot):
        return _start_time(holder.pid) == holder.started
    if holder is not None and me.machine and (holder.host, holder.machine) == (me.host, me.machine):
        same_start = holder.boot.partition("/")[0] == me.boot.partition("/")[0]
        if not same_start:
            return False  # The machine has been restarted.
    return _age(path) <= STALE_SECONDS


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


def _boot() -> str:
    """Identifies the start of this machine, and the container on it in which process ids count."""
    start = _first_line("/proc/sys/kernel/random/boot_id")
    try:
        return f"{start}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return start


def _start_time(pid: int) -> str | None:
    """Returns the start time of a process in ticks, None if there is no such process.

    A process that has ended and waits for its parent counts as ended. The time is empty on systems
    without /proc.
    """
    if platform.system() != "Linux":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except OSError:
            return ""
        return ""
    try:
        # The name of the program, in parentheses, may contain spaces.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _first_line(path: str) -> str:
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""
