"""`python -m benchmarks.start`: measures start-up times, each in a new process.

It prints three durations: `import zoo` in addition to `import keras`; loading a built-in
classifier and making the first prediction; and the time from the training command to the end of
the first step. The last one is measured without XLA, with XLA and an empty cache (cold), and with
XLA and the cache of the run before (warm).
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
    """Runs code in new processes; returns the median of each duration that it prints."""
    command = [sys.executable, "-c", code, *arguments]
    found = []
    for _ in range(runs):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(run.stderr[-2000:])
        found.append(json.loads(run.stdout.split("SECONDS", 1)[1]))
    return [statistics.median(column) for column in zip(*found, strict=True)]


def first_step(model: str, data: str, data_dir: str | None) -> dict[str, float]:
    """Returns the seconds from the command to the end of its first step, for each `--jit`."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache"}
        for way in ("off", "on, cold", "on, warm"):
            jit = ["--jit", way.split(",")[0]]
            place = ["--run-dir", f"{scratch}/{way}"] + (
                ["--data-dir", data_dir] if data_dir else []
            )
            words = ["--model", model, "--data", data, "--steps", "1", "--report-every", "1"]
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
    parser.add_argument("--runs", type=int, default=3, help="processes per value (default: 3)")
    parser.add_argument("--model", default="lsgan", help="model to train for a step")
    parser.add_argument("--data", default="cifar10", help="its data set (default: cifar10)")
    parser.add_argument("--data-dir", help="folder in which TFDS has prepared CIFAR-10")
    options = parser.parse_args(arguments)
    added, base = measure(_IMPORTS, runs=options.runs)
    print(f"import zoo           {added:6.2f} s more than keras and TensorFlow ({base:.2f} s)")
    preset = options.preset
    if preset is None:
        import zoo

        names = list(zoo.list_presets("ImageClassifier"))
        if not names:
            print("there is no built-in classifier; give --preset FOLDER")
            return 2
        preset = next((name for name in names if "digits" in name), names[0])
    first, loaded = measure(_PREDICTS, preset, runs=options.runs)
    print(f"first prediction     {first:6.2f} s after these imports, {loaded:.2f} s of it to load")
    print(f"                     ({preset}; medians of {options.runs} processes)")
    for way, seconds in first_step(options.model, options.data, options.data_dir).items():
        print(f"first step           {seconds:6.2f} s after the command, --jit {way}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
