"""`python -m benchmarks.scale --csv FILE --plot FILE`: measures the cost of a step as sizes grow.

One size varies at a time: batch size, image size, critic steps, width, replicas (logical CPU
devices) or the number of training images. Each point is measured in a new process. Seconds are the
median of steps on batches of the input pipeline. Memory is the difference between the peak of the
process and its memory before the model is built.
"""

import argparse
import csv
import dataclasses
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

WARMUP, STEPS = 2, 6
BASE: dict[str, Any] = {"generator_filters": 64, "critic_filters": 16, "ema": None}
IMAGES = 2_000
COLUMNS = 3


@dataclasses.dataclass(frozen=True)
class Series:
    """One size that varies.

    Attributes:
        name: the name of the size.
        values: its values.
        fields: recipe fields that get the value.
        options: further recipe fields.
        size: image size; None if it is the value.
        images: number of training images; None if it is the value.
        mapped: use a memory-mapped file for the images, as for large sets.
    """

    name: str
    values: tuple[int, ...]
    fields: tuple[str, ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    size: int | None = 32
    images: int | None = IMAGES
    mapped: bool = False

    def recipe_options(self, value: int) -> dict[str, Any]:
        """Returns the recipe's fields for a value; the ratio of the two widths is constant."""
        own = {name: value // 4 if name == "critic_filters" else value for name in self.fields}
        return BASE | self.options | own


BATCHES = (16, 32, 64, 128, 256, 512)
DEEP = {
    "network": "resnet",
    "generator_filters": 32,
    "critic_filters": 32,
    "critic_normalization": "none",
}
SERIES = [
    Series("batch size", BATCHES, ("batch_size",)),
    Series("image size", (28, 32, 48, 64, 96, 128), options={"batch_size": 16}, size=None),
    Series("critic steps", (1, 2, 3, 4, 5), ("critic_steps",)),
    Series("generator filters", (32, 64, 128, 256), ("generator_filters", "critic_filters")),
    Series("replicas", (1, 2, 4), ("virtual_devices",)),
    Series("training images", (1_000, 10_000, 100_000), images=None),
    Series("training images, mapped", (1_000, 10_000, 100_000), images=None, mapped=True),
    Series("batch size, ResNet", BATCHES[:4], ("batch_size",), DEEP),
    Series(
        "batch size, ResNet, rematerialised",
        BATCHES[:4],
        ("batch_size",),
        {**DEEP, "rematerialise": True},
    ),
]


def measure(series: Series, value: int) -> dict[str, float]:
    """Measures a point in this process."""
    from zoo.environment import use_onednn

    use_onednn()
    import tensorflow as tf

    from training.build import build_model
    from training.data.image_data import Split
    from training.data.pipeline import Stream, training_dataset
    from training.distribute import make_strategy
    from training.recipe_file import override
    from training.recipes import find

    options = series.recipe_options(value)
    recipe = override(find("lsgan", data="cifar10", name=""), options, source="")
    strategy = make_strategy(recipe.devices, batch_size=recipe.run.batch_size)
    size, count = series.size or value, series.images or value
    images = make_images(count, size, mapped=series.mapped)
    before = _peak()
    with strategy.scope():
        model = build_model(recipe, image_shape=(size, size, 3), class_names=())
    batches = training_dataset(
        {"real": Stream(Split(images, None))},
        batch_size=recipe.run.batch_size,
        seed=0,
        critic_steps=model.batches_per_step,
        strategy=strategy,
    )
    model.rematerialise = recipe.devices.rematerialise
    model.make_train_function()
    function = model.train_function
    iterator, seconds = iter(batches), []
    for _ in range(WARMUP + STEPS):
        start = time.perf_counter()
        logs = function(iterator)
        float(tf.convert_to_tensor(next(iter(logs.values()))))
        seconds.append(time.perf_counter() - start)
    return {"seconds": statistics.median(seconds[WARMUP:]), "megabytes": _peak() - before}


def make_images(count: int, size: int, *, mapped: bool) -> np.ndarray:
    """Returns noise images, in memory or in a memory-mapped temporary file."""
    random, shape = np.random.default_rng(0), (count, size, size, 3)
    if not mapped:
        return random.integers(0, 256, shape, dtype=np.uint8)
    with tempfile.TemporaryFile() as file:
        for first in range(0, count, 1_000):
            rows = min(1_000, count - first)
            file.write(random.integers(0, 256, (rows, *shape[1:]), dtype=np.uint8).tobytes())
        file.flush()
        return np.memmap(file, np.uint8, "r", shape=shape)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_all(rounds: int) -> list[dict[str, Any]]:
    """Measures every point `rounds` times; returns one row of medians per point."""
    rows = []
    for number, series in enumerate(SERIES):
        for value in series.values:
            words = [sys.executable, "-m", "benchmarks.scale", "--point", str(number), str(value)]
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            found = []
            for _ in range(rounds):
                done = subprocess.run(words, capture_output=True, text=True, env=environment)
                if done.returncode:
                    raise SystemExit(f"error: {series.name} {value}: {done.stderr[-2000:]}")
                found.append(json.loads(done.stdout.splitlines()[-1]))
            row: dict[str, Any] = {"series": series.name, "value": value}
            row |= {key: round(statistics.median(f[key] for f in found), 4) for key in found[0]}
            rows.append(row)
            print(
                f"{series.name:<22}{value:>8}  {row['seconds']:8.4f} s  {row['megabytes']:8.0f} MB",
                flush=True,
            )
    return rows


def growth(rows: Sequence[dict[str, Any]], key: str) -> float:
    """Returns the growth exponent between the two largest values of a series; 1 is linear."""
    (x0, y0), (x1, y1) = ((row["value"], row[key]) for row in rows[-2:])
    return math.log(y1 / y0) / math.log(x1 / x0)


def plot(rows: Sequence[dict[str, Any]], path: pathlib.Path) -> None:
    """Draws one panel per series: seconds and memory over the value, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row["series"] for row in rows))
    figure, axes = plt.subplots(
        -(-len(names) // COLUMNS), COLUMNS, figsize=(4 * COLUMNS, 10), squeeze=False
    )
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        of = [row for row in rows if row["series"] == name]
        values = [row["value"] for row in of]
        for side, key, unit, colour, digits in (
            (axis, "seconds", "s per step", "C0", 3),
            (axis.twinx(), "megabytes", "MB", "C1", 0),
        ):
            measured = [row[key] for row in of]
            ends = [min(measured), max(measured)]
            side.plot(values, measured, "o-", color=colour)
            side.set(xscale="log", yscale="log")
            side.set_yticks(ends, [f"{end:,.{digits}f}" for end in ends], color=colour)
            side.set_ylabel(f"{unit}, slope {growth(of, key):.2f}", color=colour)
            side.minorticks_off()
        linear = [of[-1]["seconds"] * value / values[-1] for value in values]
        axis.plot(values, linear, ":", color="gray")
        axis.set_title(name)
        axis.set_xticks(values, [f"{value:,}" for value in values])
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main(arguments: list[str]) -> int:
    """Measures all points, writes the table and the plot; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--csv", type=pathlib.Path, help="the table's file")
    parser.add_argument("--plot", type=pathlib.Path, help="the picture's file")
    parser.add_argument("--rounds", type=int, default=1, help="processes per point (default: 1)")
    parser.add_argument("--point", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.point:
        number, value = options.point
        print(json.dumps(measure(SERIES[number], value)))
        return 0
    if options.csv is None or options.plot is None:
        parser.error("give --csv FILE and --plot FILE")
    rows = measure_all(options.rounds)
    with open(options.csv, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    plot(rows, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
