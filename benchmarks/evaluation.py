"""`python -m benchmarks.evaluation distance|inversion`: measures the cost of an evaluation.

`distance`: the FID statistics of two sets of features and their distance. It measures this
project and, with `--peer PYTHON`, torch-fidelity and pytorch-fid, in turns and in separate
processes. `inversion`: the MRE of many images at once and of one image at a time, with the
fraction of the machine's matrix product rate that each reaches.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from zoo import ImageGenerator

SCRIPT = pathlib.Path(__file__).with_name("evaluation_peer.py")


def inception_like(*, seed: int, rows: int, columns: int) -> Iterator[np.ndarray]:
    """Yields float32 features like those of Inception: not negative, and correlated."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(64, columns)).astype("float32") / 8
    for first in range(0, rows, 5_000):
        count = min(5_000, rows - first)
        shared = random.normal(size=(count, 64)).astype("float32") @ mixing
        own = random.normal(size=(count, columns)).astype("float32")
        yield np.maximum(shared + 0.5 * own + 0.1 * seed, 0.0)


def write_features(path: pathlib.Path, *, seed: int, rows: int, columns: int) -> None:
    """Writes such features to a file."""
    with open(path, "wb") as file:
        for block in inception_like(seed=seed, rows=rows, columns=columns):
            file.write(block.tobytes())


def distance(*, rows: int, columns: int, rounds: int, peer: str | None) -> list[dict[str, Any]]:
    """Measures the statistics and the distance; returns one row per contender."""
    contenders = {"this project": sys.executable}
    if peer is not None:
        contenders |= {"torch-fidelity": peer, "pytorch-fid": peer}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as scratch:
        files = [pathlib.Path(scratch) / name for name in ("left", "right")]
        for seed, file in enumerate(files):
            write_features(file, seed=seed, rows=rows, columns=columns)
        for _ in range(rounds):
            for name, python in contenders.items():
                words = [python, str(SCRIPT), name, str(columns), *map(str, files)]
                environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
                done = subprocess.run(words, capture_output=True, text=True, env=environment)
                if done.returncode:
                    raise SystemExit(f"error: {name}: {done.stderr[-2000:]}")
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return [
        {"contender": name}
        | {key: statistics.median(each[key] for each in rounds_of) for key in rounds_of[0]}
        for name, rounds_of in found.items()
    ]


def inversion(preset: str, *, images: int, alone: int, steps: int) -> list[dict[str, Any]]:
    """Measures `invert_images`: many images at once, one at a time, and one without a graph."""
    from zoo.environment import use_onednn

    use_onednn()
    import tensorflow as tf

    import zoo
    from benchmarks.train_step.roofline import rate
    from zoo.inversion import invert_images

    generator = zoo.ImageGenerator.from_preset(preset)
    made = generator.generate(images, seed=1).astype("float32") / 127.5 - 1.0
    restarts, few = 2, max(1, alone // 5)
    work = restarts * steps * operations(generator) / rate(tf.float32)
    rows = []
    for name, count, batch, eager in (
        ("together", images, 256, False),
        ("one at a time", alone, 1, False),
        ("one at a time, no graph", few, 1, True),
    ):
        tf.config.run_functions_eagerly(eager)
        invert_images(generator, made[:batch], steps=2, restarts=restarts, batch_size=batch)
        start = time.perf_counter()
        result = invert_images(
            generator, made[:count], steps=steps, restarts=restarts, batch_size=batch
        )
        seconds = (time.perf_counter() - start) / count
        rows.append(
            {
                "contender": name,
                "seconds_an_image": seconds,
                "share_of_matrix_rate": work / seconds,
                "mre": float(result.errors[:few].mean()),
            }
        )
    tf.config.run_functions_eagerly(False)
    return rows


def operations(generator: "ImageGenerator") -> float:
    """Counts the operations for the image of one latent and the gradient of the latent."""
    import tensorflow as tf

    from benchmarks.train_step.flops import count

    @tf.function(input_signature=[tf.TensorSpec([1, generator.latent_dim], tf.float32)])
    def gradient(z: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(z)
            total = tf.reduce_sum(generator.images_from_latents(z))
        return tape.gradient(total, z)

    return count(gradient.get_concrete_function())


def main(arguments: list[str]) -> int:
    """Runs the command, which prints JSON lines; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("what", choices=("distance", "inversion"))
    parser.add_argument("--peer", help="a Python with torch-fidelity and pytorch-fid")
    parser.add_argument("--rows", type=int, default=50_000, help="images per set")
    parser.add_argument("--columns", type=int, default=2_048, help="features per image")
    parser.add_argument("--rounds", type=int, default=3, help="runs per contender (default: 3)")
    parser.add_argument("--preset", default="lgan_fashion_mnist", help="generator to invert")
    parser.add_argument("--images", type=int, default=1_000, help="images to invert at once")
    parser.add_argument("--alone", type=int, default=20, help="images to invert one at a time")
    parser.add_argument("--steps", type=int, default=100, help="steps of gradient descent")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]]
    if options.what == "distance":
        rows = distance(
            rows=options.rows, columns=options.columns, rounds=options.rounds, peer=options.peer
        )
    else:
        rows = inversion(
            options.preset, images=options.images, alone=options.alone, steps=options.steps
        )
    for row in rows:
        print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
