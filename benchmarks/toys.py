"""`python -m benchmarks.toys EXPERIMENT`: tests small claims of the papers.

modes       number of modes that each model covers on `--data ring` and `--data grid`
without_bn  GAN, LSGAN and LS-GAN on digits, with and without batch normalisation in G
overtrained norm of G's gradient with 1, 3 or 5 critic steps per generator step, on digits

Each experiment prints a Markdown table. docs/theory.md has the results with their protocols.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training import data as data_sets
from training.build import build_model
from training.callbacks.diagnostics import Diagnostics
from training.console import Table
from training.data.image_data import ImageData, Split
from training.data.toys import MIXTURES
from training.metrics.modes import count_modes
from training.recipe import Recipe
from training.recipes import find
from training.streams import batches, streams_of
from zoo.latents import latents_from_seeds
from zoo.models import AdversarialModel

MODELS = ("gan", "lsgan", "wgan_gp", "ls_gan", "lgan")
SAMPLES = 1000
LATENT_DIM = 64
LEAST_SHARE = 0.1
# The ring's recipes use the settings of the released code: 35,000 steps of 512 images with small
# learning rates. These settings take minutes.
_FASTER: dict[str, Any] = {
    "batch_size": 128,
    "latent_dim": LATENT_DIM,
    "generator_learning_rate": 1e-3,
    "critic_learning_rate": 1e-3,
}
_DIGITS: dict[str, Any] = {
    "data": "digits",
    "batch_size": 64,
    "latent_dim": LATENT_DIM,
    "generator_filters": 64,
    "critic_filters": 32,
    "generator_learning_rate": 2e-4,
    "critic_learning_rate": 2e-4,
    "beta_1": 0.5,
    "latent": "uniform",
    "ema": None,
}

_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "gan, non-saturating": ("gan", {}),
    "gan, minimax": ("gan", {"saturating": True}),
    "lsgan, pearson": ("lsgan", {"scheme": "pearson"}),
    "lsgan, binary": ("lsgan", {"scheme": "binary"}),
    "ls_gan": ("ls_gan", {}),
}


def train(
    recipe: Recipe, data: ImageData, *, steps: int, every: int
) -> Iterator[tuple[int, AdversarialModel, dict[str, float]]]:
    """Trains a recipe's model; yields (step, model, logged means) after every `every` steps."""
    recipe = recipe.with_options(steps=steps)
    recipe.check()
    keras.utils.set_random_seed(recipe.run.seed)
    model = build_model(recipe, image_shape=data.image_shape, class_names=())
    for first in range(0, steps, every):
        dataset = batches(recipe, model, streams_of(recipe, data, None), first_step=first)
        history = model.fit(
            dataset, steps_per_epoch=every, epochs=1, shuffle=False, verbose=0
        ).history
        yield first + every, model, {name: values[-1] for name, values in history.items()}


def modes(steps: int, seeds: int) -> Table:
    """Counts the modes that each model covers, at each quarter of the steps."""
    table = Table(["data", "model", "seed", "step", "modes", "near a mode"])
    for name, mixture in MIXTURES.items():
        data = data_sets.load(name)
        for model_name in MODELS:
            for seed in range(seeds):
                recipe = find(model_name, data=name, name="ring")
                recipe = recipe.with_options(**_FASTER, seed=seed)
                latents = latents_from_seeds(tf.range(2 * SAMPLES, dtype=tf.int64), LATENT_DIM)
                for step, model, _ in train(recipe, data, steps=steps, every=steps // 4):
                    points = np.asarray(model.sampler(latents, training=False))
                    found = count_modes(points, mixture)
                    covered = f"{found.covered} / {len(mixture.centres)}"
                    table.add(name, model_name, seed, step, covered, f"{found.near:.2f}")
                    print(", ".join(table.rows[-1]), flush=True)
    return table


def digit_coverage(images: np.ndarray, train_split: Split) -> tuple[int, float, float]:
    """Measures the variety of generated digits by their nearest training images.

    Args:
        images: float array `[n, 8, 8, 1]` in [-1, 1].
        train_split: labelled digits.

    Returns:
        The number of classes with at least `0.1 * n / 10` images; the mean root mean square
        difference to the nearest training image; the same between two generated images.
    """
    known = train_split.inputs(len(train_split)).reshape(len(train_split), -1)
    made = images.reshape(len(images), -1)
    squares = (made**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2 * made @ known.T
    nearest = squares.argmin(axis=1)
    assert train_split.labels is not None
    counts = np.bincount(train_split.labels[nearest], minlength=10)
    distance = np.sqrt(np.maximum(squares.min(axis=1), 0.0) / made.shape[1]).mean()
    spread = np.sqrt(np.mean((made[::2] - made[1::2]) ** 2, axis=1)).mean()
    return int(np.sum(counts >= LEAST_SHARE * len(made) / 10)), float(distance), float(spread)


def without_bn(steps: int, seeds: int) -> Table:
    """Trains GAN, LSGAN and LS-GAN on digits with and without batch normalisation in G."""
    data = data_sets.load("digits")
    table = Table(["model", "BN in G", "seed", "step", "classes", "to nearest", "spread"])
    real = data.validation.inputs(200)
    table.add("(real)", "", "", "", *_digit_cells(real, data))
    latents = latents_from_seeds(tf.range(SAMPLES, dtype=tf.int64), LATENT_DIM, "uniform")
    for name, (model_name, options) in _VARIANTS.items():
        for normalization in ("batch", "none"):
            for seed in range(seeds):
                changes = {"generator_normalization": normalization, "seed": seed}
                recipe = find(model_name).with_options(**_DIGITS | options | changes)
                for step, model, _ in train(recipe, data, steps=steps, every=steps // 2):
                    made = np.asarray(model.sampler(latents, training=False))
                    cells = _digit_cells(made, data)
                    table.add(name, "yes" if normalization == "batch" else "no", seed, step, *cells)
                    print(", ".join(table.rows[-1]), flush=True)
    return table


def _digit_cells(images: np.ndarray, data: ImageData) -> list[str]:
    classes, distance, spread = digit_coverage(images, data.train)
    return [f"{classes} / 10", f"{distance:.2f}", f"{spread:.2f}"]


def overtrained(steps: int, seeds: int) -> Table:
    """Measures the norm of G's gradient with 1, 3 and 5 critic steps per generator step."""
    data = data_sets.load("digits")
    count = 4
    ends = [f"step {(i + 1) * steps // count}" for i in range(count)]
    table = Table(["model", "critic steps", "seed", *ends, "gap at the end"])
    diagnostics = Diagnostics(data.validation)
    for name, (model_name, options) in _VARIANTS.items():
        for critic_steps in (1, 3, 5):
            for seed in range(seeds):
                changes = _DIGITS | options | {"critic_steps": critic_steps, "seed": seed}
                recipe = find(model_name).with_options(**changes)
                norms, gap = [], 0.0
                for _, model, logs in train(recipe, data, steps=steps, every=steps // count):
                    diagnostics.set_model(model)
                    norms.append(f"{diagnostics.measure()['generator_gradient_norm']:.3g}")
                    gap = logs["gap"]
                table.add(name, critic_steps, seed, *norms, f"{gap:.3g}")
                print(", ".join(table.rows[-1]), flush=True)
    return table


EXPERIMENTS: dict[str, tuple[Callable[[int, int], Table], int]] = {
    "modes": (modes, 4000),
    "without_bn": (without_bn, 1200),
    "overtrained": (overtrained, 1200),
}


def main(arguments: list[str]) -> int:
    """Runs one experiment and prints its table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.toys",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("experiment", choices=list(EXPERIMENTS))
    parser.add_argument("--steps", type=int, help="a multiple of 4; the default is per experiment")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args(arguments)
    experiment, steps = EXPERIMENTS[options.experiment]
    print(experiment(options.steps or steps, options.seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
