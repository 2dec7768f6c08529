"""One run of `python -m benchmarks.gpu.semi_supervised`, in a process of its own.

It compiles its steps, reports so, and then does what it is asked to, one JSON line each:
`{"do": "probe", "seconds": s}` or `{"do": "train", "steps": n, "seconds": s}`.
"""

import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.gpu.semi_supervised_step import CLASSES, Trainer
from benchmarks.gpu.semi_supervised_variants import VARIANTS, Settings

VALIDATION, LABELS = 5_000, 4_000
EVALUATION_BATCH = 1_000
REPORTS = 24
Run = Callable[[int, int, int], dict[str, tf.Tensor]]


def read_data(folder: str, *, seed: int, tiny: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns images and int32 labels: labelled, unlabelled (all of train), validation and test.

    The validation images are the same for every seed; the labelled ones are drawn by class.
    """
    if not folder:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
        both = images, (np.arange(200) % CLASSES).astype(np.int32)
        return {name: both for name in ("labelled", "unlabelled", "validation", "test")}
    found = {}
    for split in ("train", "test"):
        images = np.load(pathlib.Path(folder) / f"{split}_images.npy")
        found[split] = images, np.load(pathlib.Path(folder) / f"{split}_labels.npy")
    images, labels = (values if not tiny else values[:12_000] for values in found["train"])
    labels = labels.astype(np.int32)
    order = np.random.default_rng(0).permutation(len(images))
    validation, rest = order[:VALIDATION], order[VALIDATION:]
    rest = np.random.default_rng(seed + 1).permutation(rest)
    count = LABELS // CLASSES
    rows = np.concatenate([rest[labels[rest] == k][:count] for k in range(CLASSES)])
    test = found["test"][0], found["test"][1].astype(np.int32)
    return {
        "labelled": (images[rows], labels[rows]),
        "unlabelled": (images[rest], labels[rest]),
        "validation": (images[validation], labels[validation]),
        "test": test if not tiny else (test[0][:2000], test[1][:2000]),
    }


class Worker:
    """A run: its trainer and its compiled functions."""

    def __init__(self, asked: dict[str, Any]):
        if asked["bfloat16"]:
            keras.config.set_dtype_policy("mixed_bfloat16")
        arrays = read_data(asked["data"], seed=asked["seed"], tiny=asked["tiny"])
        tensors = {name: tuple(map(tf.constant, both)) for name, both in arrays.items()}
        data = dict(zip(("labelled_images", "labelled_labels"), tensors["labelled"], strict=True))
        data |= dict(zip(("images", "classes"), tensors["unlabelled"], strict=True))
        self.variant = VARIANTS[asked["variant"]]
        self.trainer = Trainer(self.variant, Settings(**asked["settings"]), data, asked["seed"])
        self.runs = {False: self._run(adversarial=False)}
        if self.variant.hinge:
            self.runs[True] = self._run(adversarial=True)
        self.sets = {name: tensors[name] for name in ("validation", "test")}
        batch = EVALUATION_BATCH if asked["data"] else 100
        self.errors = tf.function(
            lambda images, labels: self.trainer.errors(images, labels, batch), jit_compile=True
        )
        self.start = [variable.numpy() for variable in self.trainer.variables()]
        for run in self._needed():
            run(0, 2, 1000)
        self.evaluate()
        self.reset()

    def _needed(self) -> list[Run]:
        """Returns the functions that this variant uses."""
        always = self.variant.hinge and not self.variant.hinge_from
        return [self.runs[True]] if always else list(self.runs.values())

    def _run(self, *, adversarial: bool) -> Run:
        step = tf.function(
            lambda now, total: self.trainer.step(now, total, adversarial=adversarial),
            jit_compile=True,
        )

        @tf.function
        def run(first: tf.Tensor, count: tf.Tensor, total: tf.Tensor) -> dict[str, tf.Tensor]:
            for now in tf.range(first, first + count - 1):
                step(now, total)
            return step(first + count - 1, total)

        return lambda *numbers: run(*(tf.constant(n, tf.int64) for n in numbers))

    def reset(self) -> None:
        """Puts every variable back to its value at the start."""
        for variable, value in zip(self.trainer.variables(), self.start, strict=True):
            variable.assign(value)

    def evaluate(self) -> dict[str, float]:
        """Returns the teacher's error rates in percent."""
        return {
            name: round(100.0 * float(self.errors(*both)), 2) for name, both in self.sets.items()
        }

    def probe(self, seconds: float) -> dict[str, Any]:
        """Returns the seconds of one step, averaged over the parts of a run."""
        found = {}
        for adversarial, run in self.runs.items():
            if run not in self._needed():
                continue
            calls, start = 0, time.perf_counter()
            while calls == 0 or time.perf_counter() - start < seconds:
                float(run(0, 10, 1000)["loss"])
                calls += 1
            found[adversarial] = (time.perf_counter() - start) / (10 * calls)
        self.reset()
        share = self.variant.hinge_from if self.variant.hinge else 1.0
        cost = share * found.get(False, 0.0) + (1.0 - share) * found.get(True, 0.0)
        return {"seconds_per_step": cost, "parts": {str(k): v for k, v in found.items()}}

    def train(self, steps: int, seconds: float) -> None:
        """Trains, evaluates at regular steps and prints one line each time."""
        start, done, turn = time.perf_counter(), 0, int(self.variant.hinge_from * steps)
        marks = sorted({round(steps * k / REPORTS) for k in range(1, REPORTS + 1)} | {turn} - {0})
        for mark in marks:
            adversarial = bool(self.variant.hinge) and done >= turn
            logs = self.runs[adversarial](done, mark - done, steps)
            values = {name: round(float(value), 4) for name, value in logs.items()}
            done = mark
            took = time.perf_counter() - start
            print(
                json.dumps({"step": done, "seconds": round(took, 1), **values, **self.evaluate()}),
                flush=True,
            )
            if took > seconds:
                break
        print(json.dumps({"done": done, "of": steps}), flush=True)


def main(arguments: list[str]) -> int:
    """Runs the worker until its input ends."""
    start = time.perf_counter()
    worker = Worker(json.loads(arguments[0]))
    print(json.dumps({"ready": round(time.perf_counter() - start, 1)}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "probe":
            print(json.dumps(worker.probe(asked["seconds"])), flush=True)
        else:
            worker.train(asked["steps"], asked["seconds"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
