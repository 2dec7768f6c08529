"""Whether XLA compiles the step: as asked, or as a short trial finds."""

import contextlib
import hashlib
import json
import os
import pathlib
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any, Literal

import tensorflow as tf

from training.cache import cache_folder
from training.options.devices import DeviceOptions
from training.processor import processor_name
from training.recipe import Recipe
from training.recipe_file import NOT_DECIDING
from training.run_folder import RunFolder, read_recipe, write_text
from zoo.errors import UserError
from zoo.models.trainer import StatelessTrainer

Choice = Literal["on", "off"]

WORTH_A_TRIAL = 500
"""Steps from which on a run can win back the seconds that the trial takes."""
WORTH_IT = 1.1
"""How many times as fast XLA must be: it also takes longer to start, and more memory."""
ROUNDS, SECONDS = 3, 0.5

# Two runs that differ in nothing else take the same step.
_NOT_OF_THE_STEP = frozenset(
    {*NOT_DECIDING, "recipe", "seed", "steps", "labels", "report_every", "init_from", "best_by"}
    | {"score_metrics", "score_every", "score_samples", "score_split", "score_features", "control"}
)


def keep_compiled() -> None:
    """Has XLA keep what it compiles for the next start of the same step on this kind of machine.

    TensorFlow reads the variable when it first asks XLA for anything. It knows a step by a name
    that counts the functions traced before it, so what is compiled in a start that decodes a data
    set for the first time is not found by the next, which reads the decoded images.
    """
    option, flags = "--tf_xla_persistent_cache_directory", os.environ.get("TF_XLA_FLAGS", "")
    kind = hashlib.sha256(f"{processor_name()} {tf.__version__}".encode()).hexdigest()[:16]
    folder = cache_folder("xla") / kind
    if option in flags or " " in str(folder):
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["TF_XLA_FLAGS"] = f"{flags} {option}={folder}".strip()


def with_jit(
    recipe: Recipe,
    folder: RunFolder,
    model: StatelessTrainer,
    make_batch: Callable[[], Any],
    *,
    cache: pathlib.Path | None = None,
) -> Recipe:
    """Settles whether XLA compiles a model's step.

    `auto`: a run that is there goes on as it began, since XLA rounds differently. One GPU gets XLA,
    as Keras itself would have it (not measured here); several devices do not, nor do short runs.
    On a CPU the faster way is found by a trial, once for a step and machine.

    Args:
        recipe: a checked recipe.
        folder: the run's.
        model: a compiled trainer, whose `jit_compile` is set.
        make_batch: makes a batch to try with.
        cache: folder of earlier trials; by default the user's.

    Returns:
        The recipe, with `jit` either `"on"` or `"off"`.
    """
    choice = _without_trial(recipe, folder, model.distribute_strategy)
    if choice is None:
        choices = (cache or cache_folder("jit")) / "choices.json"
        batch = make_batch()
        key = _key(recipe, batch)
        choice = _read(choices).get(key)
        if choice is None:
            choice = _try_out(model, batch)
            _keep(choices, key, choice)
    model.jit_compile = choice == "on"
    return recipe.with_options(jit=choice)


def _without_trial(
    recipe: Recipe, folder: RunFolder, strategy: tf.distribute.Strategy
) -> Choice | None:
    if recipe.devices.jit != "auto":
        return recipe.devices.jit
    begun = folder.recipe.exists()
    if begun and (stored := read_recipe(folder.path)["jit"]) != "auto":
        return stored
    if strategy.num_replicas_in_sync > 1:
        return "off"
    if tf.config.list_logical_devices("GPU"):
        return "on"
    # A run that began without a choice took its steps without XLA.
    return "off" if begun or recipe.run.steps < WORTH_A_TRIAL else None


def _try_out(model: StatelessTrainer, batch: Any) -> Choice:
    """Takes steps with and without XLA, in turns, on one batch; leaves the model as it was."""
    print("--jit auto: trying the step with XLA and without ...", flush=True)
    variables = model.variables + [v for o in model.optimizers.values() for v in o.variables]
    before = [variable.numpy() for variable in variables]
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())
    try:
        calls = [_function(model, iterator, jit=jit) for jit in (False, True)]
        rounds = [[_seconds(call) for call in calls] for _ in range(ROUNDS)]
        gain = statistics.median(plain / compiled for plain, compiled in rounds)
    except tf.errors.OpError:
        gain = 0.0
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        model.train_function = None
    choice: Choice = "on" if gain >= WORTH_IT else "off"
    said = f"is {gain:.2f} times as fast" if gain else "cannot compile this step"
    print(f"--jit auto: XLA {said}, so it is {choice}.\n", flush=True)
    return choice


def _function(model: StatelessTrainer, iterator: Any, *, jit: bool) -> Callable[[], None]:
    """Makes what takes one call's steps, compiled already."""
    model.jit_compile = jit
    model.make_train_function(force=True)
    function = model.train_function

    def call() -> None:
        logs = function(iterator)
        float(next(iter(logs.values())))

    call()
    return call


def _seconds(call: Callable[[], None]) -> float:
    """Seconds of a call: a mean over about `SECONDS`."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < SECONDS:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls


def _key(recipe: Recipe, batch: Any) -> str:
    """Names a step on a machine."""
    fields = {k: v for k, v in recipe.flat().items() if k not in _NOT_OF_THE_STEP}
    shapes = tf.nest.map_structure(lambda values: values.shape.as_list(), batch)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    where = [platform.machine(), processor_name(), cores, tf.__version__, kernels]
    where.append(recipe.devices.steps_per_call)
    text = json.dumps([fields, shapes, where], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(choices: pathlib.Path) -> dict[str, Choice]:
    """Reads earlier choices; none where the file is not there, or damaged."""
    try:
        known = json.loads(choices.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _keep(choices: pathlib.Path, key: str, choice: Choice) -> None:
    """Keeps a choice, if the folder can be written to; else the next run tries again."""
    with contextlib.suppress(OSError):
        choices.parent.mkdir(parents=True, exist_ok=True)
        write_text(choices, json.dumps(_read(choices) | {key: choice}, indent=1) + "\n")


def check_compilation(devices: DeviceOptions, strategy: tf.distribute.Strategy) -> None:
    """Refuses what XLA cannot do.

    Raises:
        UserError: `--jit on` over several CPU devices.
    """
    on_cpu = not tf.config.list_logical_devices("GPU") and devices.strategy != "tpu"
    if devices.jit == "on" and on_cpu and strategy.num_replicas_in_sync > 1:
        raise UserError(
            "--jit on does not work over several CPU devices: XLA cannot reach another device's "
            "variables. Use --jit off, or one device."
        )
