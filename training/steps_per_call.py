"""The number of steps that TensorFlow takes before it returns to Python."""

import math
from collections.abc import Sequence

import tensorflow as tf

from training.recipe import Recipe
from zoo.models.trainer import StatelessTrainer

MOST_STEPS = 100
MOST_BYTES = 2**26
"""Images of one stream in a call. The bound also limits the time of a call with large images."""


def with_steps_per_call(recipe: Recipe, *, image_shape: Sequence[int]) -> Recipe:
    """Returns the recipe with the number of steps in one call, if it is `auto`.

    On CPUs it is 1. On GPUs it is the largest common divisor of the length of the run and of the
    intervals of reports and checkpoints, up to `MOST_STEPS`, and fewer for large batches.

    Args:
        recipe: a recipe, its length in steps.
        image_shape: shape of one image.
    """
    if recipe.devices.steps_per_call != "auto":
        return recipe
    return recipe.with_options(steps_per_call=_chosen(recipe, image_shape))


def _chosen(recipe: Recipe, image_shape: Sequence[int]) -> int:
    if not tf.config.list_logical_devices("GPU"):
        return 1
    common = math.gcd(recipe.run.steps, recipe.run.report_every, recipe.run.checkpoint_every)
    images = recipe.run.batch_size * recipe.step.critic_steps
    most = min(MOST_STEPS, MOST_BYTES // (images * math.prod(image_shape)))
    return max((number for number in range(1, most + 1) if common % number == 0), default=1)


def stacked(
    dataset: "tf.data.Dataset | tf.distribute.DistributedDataset", model: StatelessTrainer
) -> "tf.data.Dataset | tf.distribute.DistributedDataset":
    """Stacks the batches of each call in advance if the model runs a call as one loop of XLA.

    Args:
        dataset: the batches of all steps, endless.
        model: a compiled trainer.
    """
    if not model.stacks_batches or not isinstance(dataset, tf.data.Dataset):
        return dataset
    return dataset.batch(model.steps_per_execution, drop_remainder=True).prefetch(1)
