"""`python -m benchmarks.start`: how long it takes to be ready, each time in a new process.

Prints what `import zoo` adds to `import keras`, and how long after the imports a built-in
classifier gives its first prediction.
"""

import argparse
import json
import statistics
import subprocess
import sys

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


def main(arguments: list[str]) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--preset", help="name or folder (default: the first built-in classifier)")
    parser.add_argument("--runs", type=int, default=3, help="processes a figure (default: 3)")
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
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
