"""Ten steps of a tiny run, on any strategy: what the parity tests compare.

`python -m tests.support.parity_runs FILE CASE...` takes them one after another on the hosts that
TF_CONFIG names, and the chief writes weights and logs to the file.
"""

import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from tests.support.cases import build, tiny_data, train, weights
from tests.support.variants import recipe_of
from training.distribute import is_chief, make_strategy
from training.recipe import Recipe
from zoo.native_log import quiet_tensorflow

STEPS = 10
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "adam": lambda: keras.optimizers.Adam(1e-3, 0.5),
}
TOLERANCES = {"sgd": 1e-5, "adam": 1e-4}
Result = tuple[list[np.ndarray], dict[str, float]]


def uneven(case: str) -> Recipe:
    """Ten images a batch, which four replicas take as 3, 3, 2, 2; two critic batches a step."""
    return recipe_of(case, critic_steps=2, shift=1)


def take_steps(recipe: Recipe, strategy: tf.distribute.Strategy, optimizer: str) -> Result:
    """Returns the weights, and the logged means."""
    model = build(recipe, strategy)
    with strategy.scope():
        model.compile(OPTIMIZERS[optimizer](), OPTIMIZERS[optimizer]())
    logs = train(model, recipe, tiny_data(), steps=STEPS)
    return weights(model), logs


def main(file: str, *cases: str) -> None:
    quiet_tensorflow()
    strategy = make_strategy(uneven(cases[0]).devices)
    results = {}
    for case in cases:
        values, logs = take_steps(uneven(case), strategy, "sgd")
        results |= {f"{case}/{place:04d}": value for place, value in enumerate(values)}
        results |= {f"{case}/logs/{name}": np.array(value) for name, value in logs.items()}
    if is_chief(strategy):
        np.savez(pathlib.Path(file), **results)


def read(file: pathlib.Path, case: str) -> Result:
    """Reads the results of a case from the file."""
    with np.load(file) as arrays:
        mine = {k.removeprefix(f"{case}/"): arrays[k] for k in arrays if k.startswith(f"{case}/")}
    logs = {k.removeprefix("logs/"): float(v) for k, v in mine.items() if k.startswith("logs/")}
    return [mine[name] for name in sorted(mine) if not name.startswith("logs/")], logs


if __name__ == "__main__":
    main(*sys.argv[1:])
