"""Two processes on the loopback interface that simulate two hosts."""

import json
import os
import socket
import subprocess
import sys


def free_ports(count: int) -> list[int]:
    """Returns ports that no process listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_process(
    arguments: list[str], *, folder: str = ".", **environment: str
) -> subprocess.Popen:
    """Starts `python ARGUMENTS` in a folder; a pipe receives its output."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_hosts(
    arguments: list[str], *, folders: tuple[str, ...] = (".", ".")
) -> list[subprocess.Popen]:
    """Starts the same command once per host, in the host's folder; the first host is the chief."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(len(folders))]
    configs = [
        {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        for index in range(len(folders))
    ]
    return [
        start_process(arguments, folder=folder, TF_CONFIG=json.dumps(config))
        for folder, config in zip(folders, configs, strict=True)
    ]


def outputs(hosts: list[subprocess.Popen], *, seconds: float = 480) -> list[str]:
    """Waits for all hosts to end; returns the output of each."""
    return [host.communicate(timeout=seconds)[0] for host in hosts]
