"""One process of `benchmarks.gpu.determinism`: takes steps and prints a digest of all variables."""

import hashlib
import json
import os
import pathlib
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.gpu.builders import build
from benchmarks.gpu.specs import Spec
from training.determinism import enable_determinism, refusal
from training.options.devices import DeviceOptions

STEPS = 10
MESSAGE = 300
SAMPLES = 20_000
NETWORK = {"wgan_gp": "resnet", "lgan": "resnet"}


def _variables(model: Any) -> list[Any]:
    return [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]


def _wait_for(path: str) -> None:
    while not pathlib.Path(path).exists():
        time.sleep(0.2)


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Builds the model from seed 0, takes the steps, and returns what to compare."""
    name = asked["model"]
    if "make" in asked:
        pathlib.Path(asked["make"]).mkdir(exist_ok=True)
    if "after" in asked:
        _wait_for(asked["after"])
    spec = Spec("keras", name, NETWORK.get(name, "dcgan"), 64, (), tiny=asked["tiny"])
    build(spec)
    enable_determinism(DeviceOptions(deterministic=asked["deterministic"]))
    from benchmarks.train_step.cases import Case
    from benchmarks.train_step.ours import make_batch, make_model

    model = make_model(Case(name, spec.network))
    iterator = iter(tf.data.Dataset.from_tensors(make_batch(model)).repeat())
    model.jit_compile, model.steps_per_execution = asked["jit"], 1
    model.make_train_function(force=True)
    first, steps = 0, asked.get("steps", STEPS)
    if "load" in asked:
        first = steps // 2
        _wait_for(asked["load"])
        with np.load(asked["load"]) as saved:
            for i, variable in enumerate(_variables(model)):
                variable.assign(saved[str(i)])
    for step in range(first, steps):
        if "save" in asked and step == steps // 2:
            arrays = {str(i): v.numpy() for i, v in enumerate(_variables(model))}
            np.savez(asked["save"] + ".part.npz", **arrays)
            os.replace(asked["save"] + ".part.npz", asked["save"])
        model.train_function(iterator)
    weights = [*model.generator.get_weights(), *model.critic.get_weights()]
    everything = b"".join(np.ascontiguousarray(v.numpy()).tobytes() for v in _variables(model))
    flat = np.concatenate([weight.ravel() for weight in weights])
    chosen = flat[:: max(1, len(flat) // SAMPLES)]
    return {"digest": hashlib.sha256(everything).hexdigest(), "values": chosen.tolist()}


def main(arguments: list[str]) -> int:
    """Prints one JSON line."""
    try:
        found = run(json.loads(arguments[0]))
    except Exception as error:  # The message names the operation.
        text = str(error)
        if "determinis" in text.lower():
            found = {"failed": refusal(text)}
        else:
            found = {"failed": f"{type(error).__name__}: {text}"[:MESSAGE]}
    print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
