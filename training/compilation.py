"""XLA compilation of the training step: as requested, or decided by a short trial."""

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
from training.processor import graphics_cards, processor_name
from training.recipe import Recipe
from training.recipe_file import NOT_DECIDING
from training.run_folder import RunFolder, read_recipe, write_text
from zoo.models.trainer import StatelessTrainer

Choice = Literal["on", "off"]

WORTH_A_TRIAL = 500
"""Minimal number of steps of a run for which the trial can save time."""
WORTH_IT = 1.1
"""Minimal speed-up by XLA. XLA also takes longer to start and needs more memory."""
ROUNDS, SECONDS = 3, 0.5

# Options that do not change the computation of a step.
_NOT_OF_THE_STEP = frozenset(
    {*NOT_DECIDING, "recipe", "seed", "steps", "labels", "report_every", "init_from", "best_by"}
    | {"score_metrics", "score_every", "score_samples", "score_split", "score_features", "control"}
    | {"control_equal_seconds", "control_without_generator"}
)


def allow_on_cpus() -> None:
    """Lets XLA compile groups of operations on CPUs too, where `--jit on` asks for it.

    TensorFlow reads the environment variable at the first use of XLA.
    """
    option, flags = "--tf_xla_cpu_global_jit", os.environ.get("TF_XLA_FLAGS", "")
    if option not in flags:
        os.environ["TF_XLA_FLAGS"] = f"{flags} {option}".strip()


def keep_compiled() -> None:
    """Enables XLA's persistent cache, so that later runs on the same kind of machine start faster.

    TensorFlow reads the environment variable when it first lists its devices or uses XLA. There is
    one folder per kind of processor and graphics cards, because compiled code is for one kind.
    `zoo.traced_names` makes the key of a step independent of what was traced before it.
    """
    allow_on_cpus()
    option, flags = "--tf_xla_persistent_cache_directory", os.environ.get("TF_XLA_FLAGS", "")
    machine = [processor_name(), tf.__version__, *graphics_cards()]
    folder = cache_folder("xla") / hashlib.sha256(" ".join(machine).encode()).hexdigest()[:16]
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
    """Decides if XLA compiles a model's step.

    With `auto`:

    - a resumed run continues with its first choice, because XLA rounds differently;
    - GPUs use XLA, one or several (docs/gpu.md has the measurements);
    - several CPU devices and short runs do not use XLA;
    - on one CPU a trial finds the faster choice, once per step and machine.

    Args:
        recipe: a checked recipe.
        folder: the run's folder.
        model: a compiled trainer, whose `jit_compile` is set.
        make_batch: returns a batch for the trial.
        cache: folder of the results of earlier trials; the user's cache by default.

    Returns:
        The recipe with `jit` either `"on"` or `"off"`.
    """
    choice = _without_trial(recipe, folder, model.distribute_strategy)
    if choice is None:
        choices = (cache or cache_folder("jit")) / "choices.json"
        batch = make_batch()
        key = _key(recipe, batch)
        choice = _read(choices).get(key)
        if choice is None:
            choice = _try_out(model, batch)
            _store(choices, key, choice)
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
    if tf.config.list_logical_devices("GPU"):
        return "on"
    if strategy.num_replicas_in_sync > 1:
        return "off"
    # A run that began without a choice did not use XLA.
    return "off" if begun or recipe.run.steps < WORTH_A_TRIAL else None


def _try_out(model: StatelessTrainer, batch: Any) -> Choice:
    """Runs steps with and without XLA in turns on one batch; then restores the model."""
    print("--jit auto: trying the step with and without XLA ...", flush=True)
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
    result = f"is {gain:.2f} times as fast" if gain else "cannot compile this step"
    print(f"--jit auto: XLA {result}, so it is {choice}.\n", flush=True)
    return choice


def _function(model: StatelessTrainer, iterator: Any, *, jit: bool) -> Callable[[], None]:
    """Returns a compiled function that runs the steps of one call."""
    model.jit_compile = jit
    model.make_train_function(force=True)
    function = model.train_function

    def call() -> None:
        logs = function(iterator)
        float(next(iter(logs.values())))

    call()
    return call


def _seconds(call: Callable[[], None]) -> float:
    """Returns the mean duration of a call, measured for about `SECONDS` seconds."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < SECONDS:
        call()
        calls += 1
    return (time.perf_counter() - start) / calls


def _key(recipe: Recipe, batch: Any) -> str:
    """Returns a hash that identifies a step on a machine."""
    fields = {k: v for k, v in recipe.flat().items() if k not in _NOT_OF_THE_STEP}
    shapes = tf.nest.map_structure(lambda values: values.shape.as_list(), batch)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS")
    machine = [platform.machine(), processor_name(), cores, tf.__version__, kernels]
    machine.append(recipe.devices.known_steps_per_call)
    text = json.dumps([fields, shapes, machine], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(choices: pathlib.Path) -> dict[str, Choice]:
    """Reads earlier choices; returns none if the file is missing or damaged."""
    try:
        known = json.loads(choices.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _store(choices: pathlib.Path, key: str, choice: Choice) -> None:
    """Stores a choice. If the folder cannot be written, the next run repeats the trial."""
    with contextlib.suppress(OSError):
        choices.parent.mkdir(parents=True, exist_ok=True)
        write_text(choices, json.dumps(_read(choices) | {key: choice}, indent=1) + "\n")
