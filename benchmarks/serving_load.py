"""`python -m benchmarks.serving_load --minutes 10`: users of the playground, swaps and SIGHUP.

64 clients open the playground and use its controls without a pause, while new versions of both
models replace the old ones and the server gets SIGHUP. No request may fail, each answer must be
right, and the memory of the server must not grow. Prints the figures of each kind of request; the
exit code is 1 if something was wrong. The server and its clients share the machine.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.machine import describe
from benchmarks.serving_server import Server, running
from benchmarks.serving_visits import CLASSIFIER, GENERATOR, Answer, visit

PRESET = "clsgan_digits_100"
KEPT_VERSIONS = 3
PARTS = (0.0, 0.2, 0.5, 1.0)
"""Shares of the time after which the size of the server is noted."""
GROWTH_BYTES = 30e6
_MODELS = (CLASSIFIER, GENERATOR)


@dataclasses.dataclass(frozen=True)
class Row:
    """The figures of one kind of request.

    Args:
        name: the kind of request.
        requests: int, number of requests.
        errors: int, number of requests that failed or were answered wrongly.
        p50: median time in milliseconds.
        p99: 99th percentile of the times in milliseconds.
    """

    name: str
    requests: int
    errors: int
    p50: float
    p99: float


@dataclasses.dataclass(frozen=True)
class Result:
    """What was measured.

    Args:
        machine: the processor, and the number of cores that the processes may use.
        clients: int, number of concurrent clients.
        seconds: float, length of the measurement.
        rows: the figures of each kind of request.
        swaps: int, number of versions that replaced another.
        hangups: int, number of SIGHUP.
        memory_mb: resident memory of the server after each of `PARTS` of the time. At the start
            it has one version of each model, later `KEPT_VERSIONS`.
        open_files: the number of its open files, connections included, at the same times.
        processor_seconds: processor time of the server.
        faults: what was wrong.
    """

    machine: str
    clients: int
    seconds: float
    rows: list[Row]
    swaps: int
    hangups: int
    memory_mb: list[float]
    open_files: list[int]
    processor_seconds: float
    faults: list[str]

    def table(self) -> str:
        """Returns the figures as Markdown."""
        lines = ["| request | number | errors | p50 ms | p99 ms |", f"|{' --- |' * 5}"]
        lines += [
            f"| {row.name} | {row.requests:,} | {row.errors} | {row.p50:.0f} | {row.p99:.0f} |"
            for row in self.rows
        ]
        memory = ", ".join(f"{size:.0f}" for size in self.memory_mb)
        return "\n".join(
            [
                *lines,
                "",
                f"{self.machine}; {self.clients} clients, {self.seconds:.0f} s, {self.swaps} "
                f"swaps, {self.hangups} SIGHUP",
                f"after {', '.join(f'{part:.0%}' for part in PARTS)} of the time: {memory} MB, "
                f"{', '.join(map(str, self.open_files))} open files",
                f"processor time of the server: {self.processor_seconds:.0f} s",
                *(f"FAULT: {fault}" for fault in self.faults),
            ]
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the figures, and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_load", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the measurement")
    parser.add_argument("--clients", type=int, default=64, help="number of concurrent clients")
    parser.add_argument("--json", metavar="FILE", help="file to write the results to")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(pathlib.Path(scratch), options.clients, 60 * options.minutes)
    print(result.table())
    if options.json:
        text = json.dumps(dataclasses.asdict(result), indent=1) + "\n"
        pathlib.Path(options.json).write_text(text)
    return 1 if result.faults else 0


def measure(folder: pathlib.Path, clients: int, seconds: float) -> Result:
    """Exports the preset, serves it, and lets the clients visit the page."""
    from export.saved_model import save_preset

    save_preset(PRESET, folder, name=CLASSIFIER)
    policy = f"model_version_policy {{ latest {{ num_versions: {KEPT_VERSIONS} }} }}"
    entries = " ".join(
        f'config {{ name: "{name}" base_path: "{folder / name}" {policy} }}' for name in _MODELS
    )
    config = folder / "models.config"
    config.write_text(f"model_config_list {{ {entries} }}\n")
    log = folder / "server.log"
    flags = ("--playground", f"--model-config-file={config}", "--file-system-poll-wait-seconds=0.5")
    with log.open("wb") as file, running(*flags, log=file) as server:
        for name in _MODELS:
            server.wait_for(name, 1)
        measuring = _Measuring(folder, server, clients, seconds)
        answers = measuring.run()
        spent = server.cpu_seconds() - measuring.processor_seconds
    return Result(
        machine=f"{describe()}, {len(os.sched_getaffinity(0))} used",
        clients=clients,
        seconds=measuring.took,
        rows=_rows(answers),
        swaps=measuring.swaps,
        hangups=measuring.hangups,
        memory_mb=[size / 1e6 for size in measuring.memory],
        open_files=measuring.open_files,
        processor_seconds=spent,
        faults=_faults(answers, measuring, log.read_text()),
    )


class _Measuring:
    """One measurement: the clients in threads, and the events in the main thread."""

    def __init__(self, folder: pathlib.Path, server: Server, clients: int, seconds: float):
        self.folder = folder
        self.server = server
        self.clients = clients
        self.seconds = seconds
        self.swaps = self.hangups = 0
        self.memory: list[float] = []
        self.open_files: list[int] = []
        self.processor_seconds = server.cpu_seconds()
        self.took = 0.0
        self._stop = threading.Event()

    def run(self) -> list[Answer]:
        """Returns the answers to all requests."""
        start = time.perf_counter()
        self._note_size()
        with concurrent.futures.ThreadPoolExecutor(self.clients) as pool:
            futures = [pool.submit(self._visits, number) for number in range(self.clients)]
            try:
                self._cause_events(start)
            finally:
                self._stop.set()
            answers = [answer for future in futures for answer in future.result()]
        self.took = time.perf_counter() - start
        self._note_size()
        return answers

    def _visits(self, number: int) -> list[Answer]:
        numbers, answers = random.Random(number), []
        while not self._stop.is_set():
            with contextlib.closing(self.server.connect()) as connection:
                for answer in visit(connection, numbers):
                    answers.append(answer)
                    if self._stop.is_set():
                        break
        return answers

    def _cause_events(self, start: float) -> None:
        """Swaps versions at even events, and sends SIGHUP at odd ones."""
        pause = max(5.0, self.seconds / 40)
        event, last = 0, start
        while (now := time.perf_counter()) < start + self.seconds:
            time.sleep(min(0.2, self.seconds / 100))
            if now > start + self.seconds * PARTS[len(self.memory)]:
                self._note_size()
            if now < last + pause:
                continue
            if event % 2:
                self.server.process.send_signal(signal.SIGHUP)
                self.hangups += 1
            else:
                self._swap()
            event, last = event + 1, now

    def _swap(self) -> None:
        """Publishes a new version of each model, and deletes the oldest one."""
        for name in _MODELS:
            versions = sorted(int(path.name) for path in (self.folder / name).iterdir())
            aside = self.folder / f".new-{name}"
            shutil.copytree(self.folder / name / str(versions[-1]), aside)
            aside.rename(self.folder / name / str(versions[-1] + 1))
            if len(versions) > KEPT_VERSIONS:
                shutil.rmtree(self.folder / name / str(versions[0]))
            self.swaps += 1

    def _note_size(self) -> None:
        self.memory.append(self.server.resident_bytes())
        files = pathlib.Path(f"/proc/{self.server.process.pid}/fd")
        self.open_files.append(len(list(files.iterdir())))


def _rows(answers: list[Answer]) -> list[Row]:
    rows = []
    for name in [*dict.fromkeys(answer.name for answer in answers), "all"]:
        part = [answer for answer in answers if name in (answer.name, "all")]
        p50, p99 = np.percentile([answer.seconds for answer in part], (50, 99)) * 1e3
        errors = sum(bool(answer.error) for answer in part)
        rows.append(Row(name, len(part), errors, float(p50), float(p99)))
    return rows


def _faults(answers: list[Answer], measuring: _Measuring, log: str) -> list[str]:
    errors = [answer.error for answer in answers if answer.error]
    faults = list(dict.fromkeys(errors))[:5]
    lines = [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line]
    faults += [f"log: {line}" for line in lines[:5]]
    growth = measuring.memory[-1] - measuring.memory[1]
    # A short run ends before the number of versions is constant.
    if growth > GROWTH_BYTES and measuring.swaps > 5 * KEPT_VERSIONS * len(_MODELS):
        faults.append(f"memory grew by {growth / 1e6:.0f} MB after {PARTS[1]:.0%} of the time")
    # The last versions may be loading when the time ends.
    loaded = log.count(" is available")
    if loaded < measuring.swaps:
        faults.append(f"only {loaded} versions were loaded for {measuring.swaps} swaps")
    return faults


if __name__ == "__main__":
    sys.exit(main())
