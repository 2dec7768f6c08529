"""Tiny runs in a process of their own, which hangs at a bad moment of each and then is killed.

`python -m tests.support.child MOMENT FOLDER CASE...` trains one case after another to 20 steps,
with a checkpoint every 5, or goes on with what is in the folder. Each run has a thread, which at
the moment hangs for good; when all hang there, the process kills itself. So one process, with one
start of TensorFlow, is killed at the same bad moment of many runs.

At the moment `never` it goes on to the end, and then once more from the start, in FOLDER/through,
by the same step function: from a checkpoint of the model as it was built.
"""

import io
import os
import pathlib
import signal
import sys
import threading
import time

import numpy as np
import tensorflow as tf

from tests.support.cases import tiny_data
from tests.support.variants import recipe_of
from training import checkpoint
from training.build import build_for
from training.callbacks.saving import StopRequest
from training.run_folder import RunFolder, write_text
from training.stage_training import StageTraining
from training.stages import Stage
from training.streams import label_map_of, streams_of
from zoo.models.examples import Losses
from zoo.models.trainer import StatelessTrainer
from zoo.native_log import quiet_tensorflow

STEPS, EVERY = 20, 5
IN_WRITE, IN_STEP = 10, 13
"""The checkpoint whose writing is cut short, and the step that is."""


class Hang:
    """Called, it says so and never returns."""

    def __init__(self) -> None:
        self.reached = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        time.sleep(3600)


hang = Hang()


class HalfWritten(io.FileIO):
    """A file that hangs when half of what it is given is written."""

    def write(self, content: bytes) -> int:
        super().write(content[: len(content) // 2])
        os.fsync(self.fileno())
        hang()
        return 0


def _is_hanging_checkpoint(path: os.PathLike) -> bool:
    return f"step-{IN_WRITE:09d}" in str(path)


def hang_in_write() -> None:
    def half_open(path: os.PathLike, mode: str) -> io.IOBase:
        return (HalfWritten if _is_hanging_checkpoint(path) else open)(path, mode)

    checkpoint.open = half_open


def hang_before_rename() -> None:
    rename = os.replace

    def replace(source: os.PathLike, target: os.PathLike) -> None:
        if _is_hanging_checkpoint(target):
            hang()
        rename(source, target)

    checkpoint.os.replace = replace


def hang_in_step(model: StatelessTrainer) -> None:
    """Hangs between the updates of the networks and that of the counter, in any kind of step."""
    finish_step = model.finish_step
    updated = model.networks["critic"].trainable_variables[0]

    def look(step: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if step == IN_STEP:
            hang()
        return step

    def hanging(values: Losses, global_batch: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.numpy_function(look, [model.step.value, updated.value], tf.int64)
        return finish_step(values, global_batch)

    model.finish_step = hanging


def train(folder: pathlib.Path, case: str, moment: str) -> None:
    recipe = recipe_of(case, shift=1, steps=STEPS, checkpoint_every=EVERY, report_every=STEPS)
    data = tiny_data()
    run = RunFolder(folder / case)
    run.create(recipe)
    label_map = label_map_of(recipe, data)
    if label_map is not None:
        write_text(run.path / "label_map.json", label_map.to_json())
    model = build_for(recipe, data, tf.distribute.get_strategy())
    if moment == "in_step":
        hang_in_step(model)
    streams = streams_of(recipe, data, label_map)
    through = RunFolder(folder / "through" / case)
    if moment == "never":
        checkpoint.Checkpoints(through.path / "checkpoints", model).save()
    StageTraining(recipe, data, run, StopRequest()).train(Stage(model, streams))
    if moment == "never":
        StageTraining(recipe, data, through, StopRequest()).train(Stage(model, streams))


def main(moment: str, folder: str, *cases: str) -> None:
    global hang
    quiet_tensorflow()
    # Each run that hangs in a step keeps one of these threads.
    tf.config.threading.set_inter_op_parallelism_threads(len(cases) + 2)
    if moment == "in_write":
        hang_in_write()
    elif moment == "before_rename":
        hang_before_rename()
    for case in cases:
        hang = Hang()
        arguments = (pathlib.Path(folder), case, moment)
        thread = threading.Thread(target=train, args=arguments, daemon=True)
        thread.start()
        while thread.is_alive() and not hang.reached.wait(0.05):
            pass
        print(f"{case}: {'hangs' if hang.reached.is_set() else 'has ended'}", flush=True)
    if moment != "never":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
