"""`python -m benchmarks.gpu.parity MODEL NETWORK`: do two replicas compute what one does?

Five steps of SGD on one device and on two logical devices of the one card, with XLA and without,
from the same weights, images and noise; by the prototype and by this project's own step. Prints
one JSON line: the largest difference of a weight from the prototype on one device without XLA.
Layer normalisation is in the generator, since batch statistics of one replica differ by design.
"""

import argparse
import json
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.gpu.builders import build
from benchmarks.gpu.specs import LAYER, Spec

STEPS = 5


def weights_of(model: Any) -> list[np.ndarray]:
    """Returns the weights of both networks."""
    return model.generator.get_weights() + model.critic.get_weights()


def ours(strategy: tf.distribute.Strategy, spec: Spec) -> list[np.ndarray]:
    """Takes all steps in one call of this project's own function with XLA; returns the weights."""
    from benchmarks.gpu.tensorflow_steps import zoo_on

    model, _, iterator = zoo_on(strategy, spec, jit=True, steps=STEPS)
    with strategy.scope():
        model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
        model.jit_compile, model.steps_per_execution = True, STEPS
        model.make_train_function(force=True)
    model.train_function(iterator)
    return weights_of(model)


def main(arguments: list[str]) -> int:
    """Compares and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.parity", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("network")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tf32", action="store_true", help="float32 products may use TF32")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    spec = Spec(
        "replicas",
        options.model,
        options.network,
        options.batch,
        (),
        options=LAYER,
        tf32=options.tf32,
        tiny=options.tiny,
    )
    build(spec)
    from benchmarks.gpu.tensorflow_steps import data_and_index, pure_on, share, two_devices

    found = {}
    for name, strategy, jit in (
        ("one, XLA", tf.distribute.get_strategy(), True),
        ("two, XLA", two_devices(), True),
        ("one, no XLA", tf.distribute.get_strategy(), False),
        ("two, no XLA", two_devices(), False),
    ):
        model, step = pure_on(strategy, spec, optimizer="sgd", jit=jit)
        start = weights_of(model)
        batch = share(strategy, *data_and_index(model))
        for _ in range(STEPS):
            step(batch)
        found[name] = end = weights_of(model)
        moved = max(float(np.abs(a - b).max()) for a, b in zip(start, end, strict=True))
    found["one, ours, loop in XLA"] = ours(tf.distribute.get_strategy(), spec)
    found["two, ours, XLA"] = ours(two_devices(), spec)
    base = found["one, no XLA"]
    differences = {
        name: max(float(np.abs(a - b).max()) for a, b in zip(base, weights, strict=True))
        for name, weights in found.items()
    }
    differences["two, XLA, against one, XLA"] = max(
        float(np.abs(a - b).max())
        for a, b in zip(found["one, XLA"], found["two, XLA"], strict=True)
    )
    row = {"model": spec.model, "batch": spec.batch, "tf32": spec.tf32, "moved": moved}
    print(json.dumps(row | {"differences": differences}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
