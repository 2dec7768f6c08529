"""Every registered model, tiny: what the shared tests run over.

A model that is added to `zoo.models.MODELS` is tested by all of them without a line here.
"""

from collections.abc import Iterable, Sequence

import keras
import numpy as np
import pytest
import tensorflow as tf

from training.build import build_model
from training.data.image_data import ImageData, Split
from training.recipe import Recipe
from training.recipes import find
from training.streams import batches, label_map_of, streams_of
from zoo.models import MODELS
from zoo.models.trainer import StatelessTrainer

CLASSES = ("a", "b", "c")
SHAPE = (8, 8, 1)
REGISTERED = tuple(MODELS)


SMALL_CLSGAN: dict[str, object] = {
    "adapt": False,
    "network": "clsgan",
    "critic_normalization": "none",
    "dropout": 0.2,
    "critic_optimizer": None,
    "critic_learning_rate": 1e-3,
    "critic_weight_decay": 0.0,
    "learning_rate_decay": "none",
    "warm_up": 0.0,
    "shift": 0,
    "rotate": 20.0,
    "zoom": 0.15,
    "strong": 0.0,
    "cutout": 0.0,
    "strong_labelled": 0.0,
    "unlabelled_batches": 1,
    "unlabelled_ramp": 0.1,
    "confidence": 0.9,
    "hinge_weight": 1.0,
    "unlabelled_weight": 1.0,
    "adversarial_start": 0.0,
    "adversarial_ramp": 0.0,
    "adversarial_every": 1,
}
"""CLS-GAN with a quick network, and with its hinges from the first step on. The default recipe is a
case of `tests/support/variants.py`."""

QUICK_CLSGAN = (
    "--model clsgan --network clsgan --strong 0 --cutout 0 --strong-labelled 0 "
    "--unlabelled-batches 1 --adversarial-start 0 --adversarial-ramp 0 --adversarial-every 1"
).split()
"""A command for a quick network and for one kind of step, which is traced in less time."""


def slow_but(names: Iterable[str], *, quick: Sequence[str]) -> tuple[object, ...]:
    """Returns the names as parameters of a test, those that are not quick behind `-m slow`.

    Every model is held by the shared tests; where a test is dear, a few are in the normal run.
    """
    return tuple(
        name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names
    )


def tiny_recipe(model: str, **changes: object) -> Recipe:
    """The model's own recipe at a size that steps in milliseconds; CLS-GAN has small options."""
    small = {"generator_filters": 8, "critic_filters": 4, "latent_dim": 5, "ema": 0.9}
    recipe = find(model)
    small["critic_steps"] = min(recipe.step.critic_steps, 2)
    recipe = recipe.with_options(batch_size=10, steps=8, **small)
    if model == "r3gan":
        # Some tests need norms, or change the penalty; its own are a case of `variants.py`.
        recipe = recipe.with_options(network="dcgan", final_penalty_weight=None)
    if recipe.supervision.chooses_labels:
        recipe = recipe.with_options(labels=6, control=True, **SMALL_CLSGAN)
    return recipe.with_options(**changes)


def tiny_data() -> ImageData:
    """30 training images of 3 classes; classes differ in brightness, so there is much to learn."""
    images = np.random.default_rng(0)
    labels = np.arange(30) % 3

    def split(count: int) -> Split:
        noise = images.integers(0, 80, (count, *SHAPE))
        pixels = noise + 80 * labels[:count, None, None, None]
        return Split(pixels.astype("uint8"), labels[:count].astype("int64"))

    return ImageData("tiny", split(30), split(9), split(9), CLASSES)


def build(recipe: Recipe, strategy: tf.distribute.Strategy | None = None) -> StatelessTrainer:
    """Builds the recipe's model, as a run does."""
    strategy = strategy or tf.distribute.get_strategy()
    keras.utils.set_random_seed(recipe.run.seed)
    with strategy.scope():
        return build_model(recipe, image_shape=SHAPE, class_names=CLASSES)


def train(
    model: StatelessTrainer,
    recipe: Recipe,
    data: ImageData,
    *,
    steps: int,
    first_step: int = 0,
) -> dict[str, float]:
    """Takes some steps on the recipe's streams; returns the logged means."""
    streams = streams_of(recipe, data, label_map_of(recipe, data))
    dataset = batches(recipe, model, streams, first_step=first_step)
    history = model.fit(dataset, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0).history
    return {name: float(values[-1]) for name, values in history.items()}


def weights(model: StatelessTrainer) -> list[np.ndarray]:
    """All variables of the model as arrays: networks, averages, step."""
    return [np.asarray(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
