"""`python -m benchmarks.start`: how long it takes to be ready, each time in a new process.

Prints what `import zoo` adds to `import keras`, how long after the imports a built-in classifier
gives its first prediction, and how long after the command the first training step is done: without
XLA, with it, and with it again, when what it compiled is kept.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

_IMPORTS = """
import time
start = time.perf_counter()
import keras, tensorflow
middle = time.perf_counter()
import zoo
print("SECONDS", [time.perf_counter() - middle, middle - start])
"""
_PREDICTS = """
import sys, time
import keras, numpy, tensorflow
start = time.perf_counter()
import zoo
classifier = zoo.ImageClassifier.from_preset(sys.argv[1])
loaded = time.perf_counter()
classifier.predict(numpy.zeros((1, *classifier.image_shape), "uint8"))
print("SECONDS", [time.perf_counter() - start, loaded - start])
"""


def measure(code: str, *arguments: str, runs: int) -> list[float]:
    """Runs code in new processes; returns the median of each of the seconds it prints."""
    command = [sys.executable, "-c", code, *arguments]
    found = []
    for _ in range(runs):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr[-2000:])
        found.append(json.loads(run.stdout.split("SECONDS", 1)[1]))
    return [statistics.median(column) for column in zip(*found, strict=True)]


def first_step(model: str, data_dir: str | None) -> dict[str, float]:
    """Returns seconds from the command to the end of its first step, by way."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache"}
        for way in ("off", "on", "on, kept"):
            jit = ["--jit", way.split(",")[0]]
            place = ["--run-dir", f"{scratch}/{way}"] + (
                ["--data-dir", data_dir] if data_dir else []
            )
            words = ["--model", model, "--data", "cifar10", "--steps", "1", "--report-every", "1"]
            command = [sys.executable, "-u", "-m", "training.fit", *words, *jit, *place]
            start = time.perf_counter()
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env=environment
            ) as run:
                assert run.stdout is not None
                for line in run.stdout:
                    if line.startswith("1/1 "):
                        found[way] = time.perf_counter() - start
    return found


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--preset", help="name or folder (default: the first built-in classifier)")
    parser.add_argument("--runs", type=int, default=3, help="processes a figure (default: 3)")
    parser.add_argument("--model", default="lsgan", help="what to train for a step, on CIFAR-10")
    parser.add_argument("--data-dir", help="folder that TFDS prepared CIFAR-10 in")
    options = parser.parse_args(arguments)
    added, base = measure(_IMPORTS, runs=options.runs)
    print(f"import zoo           {added:6.2f} s more than keras and TensorFlow ({base:.2f} s)")
    preset = options.preset
    if preset is None:
        import zoo

        names = list(zoo.list_presets("ImageClassifier"))
        if not names:
            print("no classifier is built in; give --preset FOLDER")
            return 2
        preset = next((name for name in names if "digits" in name), names[0])
    first, loaded = measure(_PREDICTS, preset, runs=options.runs)
    print(f"first prediction     {first:6.2f} s after these imports, of which {loaded:.2f} s load")
    print(f"                     ({preset}; medians of {options.runs} processes)")
    for way, seconds in first_step(options.model, options.data_dir).items():
        print(f"first step           {seconds:6.2f} s after the command, --jit {way}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
