"""`python -m benchmarks.gpu.parity MODEL NETWORK`: do two replicas compute what one does?

Five steps of SGD on one device and on two logical devices of the one card, with XLA and without,
from the same weights, images and noise. Prints one JSON line: the largest difference of a weight.
Layer normalisation is in the generator, since batch statistics of one replica differ by design.
"""

import argparse
import json
import sys

import numpy as np
import tensorflow as tf

from benchmarks.gpu.builders import build
from benchmarks.gpu.specs import LAYER, Spec

STEPS = 5


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
        start = model.generator.get_weights() + model.critic.get_weights()
        batch = share(strategy, *data_and_index(model))
        for _ in range(STEPS):
            step(batch)
        end = model.generator.get_weights() + model.critic.get_weights()
        found[name] = end
        moved = max(float(np.abs(a - b).max()) for a, b in zip(start, end, strict=True))
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
