"""`python -m benchmarks.profile_step --model clsgan`: states where the time of a step goes.

It profiles the step of `benchmarks.train_step` with TensorFlow's profiler, and prints the share of
each kind of operation (on a GPU: of kernel) in the time that the device computes, the most
expensive single operations, and the model FLOP utilisation: the operations of convolutions and
matrix products per second, over the measured rate of matrix products.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from typing import Any

from benchmarks.train_step import cases

_LAUNCHING = re.compile(r"Executor|Executable|Threadpool|EagerExecute|KernelAndDevice|FunctionRun")
LAUNCHING = "launching and waiting"
_NUMBER = re.compile(r"(\.\d+|_\d+)+$")


@dataclasses.dataclass
class Profile:
    """Times of the operations of some steps, in milliseconds.

    Attributes:
        kinds: time by kind of operation.
        operations: time by operation.
        busy: time in which the device computes, over all of its threads or streams.
    """

    kinds: dict[str, float]
    operations: dict[str, float]

    @property
    def busy(self) -> float:
        return sum(self.kinds.values())


def self_times(events: Iterable[tuple[int, int, str]]) -> list[tuple[str, int]]:
    """Returns the name of each event of a thread and its duration without the events inside it.

    Args:
        events: start, duration and name of each; an event contains another or is disjoint from it.
    """
    found: list[list[Any]] = []
    open_events: list[tuple[int, int]] = []
    for start, duration, name in sorted(events, key=lambda event: (event[0], -event[1])):
        while open_events and open_events[-1][0] <= start:
            open_events.pop()
        if open_events:
            found[open_events[-1][1]][1] -= duration
        open_events.append((start + duration, len(found)))
        found.append([name, duration])
    return [(name, max(duration, 0)) for name, duration in found]


def kind_of(name: str) -> str:
    """Returns the kind of an operation: the part after the node's name, without a number."""
    if _LAUNCHING.search(name):
        return LAUNCHING
    kind = name.rpartition(":")[2] if re.search(r":\w+$", name) else name.rpartition("/")[2]
    return _NUMBER.sub("", kind)[:60]


def read_profile(folder: pathlib.Path) -> Profile:
    """Reads what `tf.profiler.experimental` wrote: of the GPUs if there are any, else of the CPU.

    Raises:
        FileNotFoundError: the profiler wrote nothing.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    files = sorted(folder.rglob("*.xplane.pb"))
    if not files:
        raise FileNotFoundError(f"TensorFlow's profiler wrote no file to {folder}.")
    space = xplane_pb2.XSpace.FromString(files[-1].read_bytes())
    gpus = [plane for plane in space.planes if plane.name.startswith("/device:GPU")]
    profile = Profile(collections.defaultdict(float), collections.defaultdict(float))
    for plane in gpus or [plane for plane in space.planes if plane.name == "/host:CPU"]:
        for line in plane.lines:
            if line.name.startswith("Stream") if gpus else line.name.startswith("tf_"):
                events = (
                    (e.offset_ps, e.duration_ps, plane.event_metadata[e.metadata_id].name)
                    for e in line.events
                )
                for name, duration in self_times(events):
                    profile.kinds[kind_of(name)] += duration / 1e9
                    profile.operations[name] += duration / 1e9
    return profile


def profile_step(step: Any, *, calls: int) -> Profile:
    """Profiles some calls of a step, which must have run before."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(calls):
            step()
        tf.profiler.experimental.stop()
        return read_profile(pathlib.Path(folder))


def seconds_of(step: Any, *, calls: int) -> float:
    """Returns the mean duration of a call without the profiler."""
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls


def longest(times: dict[str, float]) -> list[tuple[str, float]]:
    """Returns names and times, the longest first."""
    return sorted(times.items(), key=lambda each: -each[1])


def table(profile: Profile, *, steps: int, top: int) -> str:
    """Formats the kinds and the operations that take most of the time."""
    total = max(profile.busy, 1e-9)
    lines = [f"{'ms per step':>11}  share  kind of operation"]
    for name, time_of in longest(profile.kinds)[:top]:
        lines.append(f"{time_of / steps:11.3f}  {time_of / total:5.1%}  {name}")
    rest = profile.busy - sum(time_of for _, time_of in longest(profile.kinds)[:top])
    lines.append(f"{rest / steps:11.3f}  {rest / total:5.1%}  {len(profile.kinds)} kinds in all")
    lines.append(f"\n{'ms per step':>11}  share  operation")
    single = [each for each in longest(profile.operations) if kind_of(each[0]) != LAUNCHING]
    for name, time_of in single[:top]:
        lines.append(f"{time_of / steps:11.3f}  {time_of / total:5.1%}  {name[-90:]}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_step", description=__doc__)
    parser.add_argument("--model", choices=cases.MODELS, default="clsgan")
    parser.add_argument("--network", choices=list(cases.NETWORKS), default="dcgan")
    parser.add_argument("--batch", type=int, default=64, help="images of a step (default: 64)")
    parser.add_argument("--bfloat16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--jit", choices=("on", "off"), help="XLA (default: on with a GPU)")
    parser.add_argument("--steps-per-call", type=int, default=1)
    parser.add_argument("--calls", type=int, default=5, help="calls to profile (default: 5)")
    parser.add_argument("--top", type=int, default=12, help="rows of each table (default: 12)")
    parser.add_argument("--json", type=pathlib.Path, help="file to append the result to")
    options = parser.parse_args(arguments)
    # The modules below import the batch size, so it is set before.
    cases.BATCH = options.batch
    from zoo.environment import prepare_tensorflow

    prepare_tensorflow()
    import tensorflow as tf

    from benchmarks.train_step.ours import Step
    from benchmarks.train_step.roofline import rate

    gpu = bool(tf.config.list_physical_devices("GPU"))
    contender = cases.Contender(
        "profile",
        "ours",
        bfloat16=options.bfloat16,
        compiled=options.jit == "on" or (options.jit is None and gpu),
        steps_per_call=options.steps_per_call,
    )
    step = Step(cases.Case(options.model, options.network), contender)
    operations = step.flops()
    for _ in range(2):
        step()
    seconds = seconds_of(step, calls=options.calls) / step.steps
    profile = profile_step(step, calls=options.calls)
    matrix = rate(tf.bfloat16 if options.bfloat16 else tf.float32)
    steps = options.calls * step.steps
    utilisation = operations / seconds / matrix
    print(table(profile, steps=steps, top=options.top))
    print(
        f"\n{profile.busy / steps:.3f} ms of computing per step over all threads or streams; "
        f"{1000 * seconds:.3f} ms per step without the profiler, "
        f"{options.batch / seconds:,.0f} images/s; {operations / 1e9:.2f} GFLOP per step\n"
        f"model FLOP utilisation {utilisation:.3f}, of {matrix / 1e12:.3f} TFLOP/s in products"
    )
    if options.json is not None:
        shares = {name: t / max(profile.busy, 1e-9) for name, t in longest(profile.kinds)}
        row = {
            "model": options.model,
            "network": options.network,
            "batch": options.batch,
            "contender": dataclasses.asdict(contender),
            "seconds_per_step": seconds,
            "flop_utilisation": utilisation,
            "shares": shares,
        }
        with options.json.open("a") as file:
            file.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
