"""The process that holds a lock, and the check that it still exists."""

import dataclasses
import os
import pathlib
import platform
import socket
import time
import uuid


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


def is_alive(holder: Holder) -> bool | None:
    """Returns whether the process of a lock exists; None if this machine cannot know it."""
    me = Holder.me()
    if (holder.host, holder.boot) == (me.host, me.boot):
        return _start_time(holder.pid) == holder.started
    if me.machine and (holder.host, holder.machine) == (me.host, me.machine):
        if holder.boot.partition("/")[0] != me.boot.partition("/")[0]:
            return False  # The machine has been restarted.
    return None


def _boot() -> str:
    """Identifies the start of this machine, and the container on it in which process ids count."""
    start = _first_line("/proc/sys/kernel/random/boot_id")
    try:
        return f"{start}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return start


def _start_time(pid: int) -> str | None:
    """Returns the start time of a process in ticks, None if the process does not exist.

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
