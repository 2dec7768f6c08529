"""Writes the weights, images and constants of this project's model for PyTorch, without a GPU."""

import json
import os
import sys

import numpy as np

from benchmarks.gpu.builders import build
from benchmarks.gpu.specs import Spec


def main(arguments: list[str]) -> int:
    """Writes one file."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    model_name, network, batch, tiny, path = json.loads(arguments[0])
    build(Spec("keras", model_name, network, int(batch), (), tiny=bool(int(tiny))))
    from benchmarks.train_step import cases
    from benchmarks.train_step.ours import constants, make_batch, make_model

    model = make_model(cases.Case(model_name, network))
    batch = make_batch(model)
    numbers = {f"generator/{i}": w for i, w in enumerate(model.generator.get_weights())}
    numbers |= {f"critic/{i}": w for i, w in enumerate(model.critic.get_weights())}
    numbers |= {f"images/{s}": batch[s]["images"] for s in model.streams}
    if "labelled" in batch:
        numbers["labels"] = batch["labelled"]["labels"]
    numbers |= {f"constant/{k}": np.array(v) for k, v in constants(model).items()}
    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, **numbers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
