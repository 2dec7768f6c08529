"""The place of the training images: the host's memory or disk, or the memory of each device."""

import tensorflow as tf

from training.data.image_data import ImageData
from training.recipe import Recipe
from zoo.errors import UserError

MOST_BYTES = 2**31
"""Largest set of training images that is kept on a device; the networks need the rest."""


def with_input(recipe: Recipe, data: ImageData, strategy: tf.distribute.Strategy) -> Recipe:
    """Returns the recipe with the place of the training images, if it is `auto`.

    Args:
        recipe: a checked recipe.
        data: the images.
        strategy: the strategy of the run.

    Raises:
        UserError: `device`, and the images are too large for it.
    """
    if recipe.devices.input == "host":
        return recipe
    trained_on = (data.train, data.unlabelled)
    size = sum(split.images.nbytes for split in trained_on if split is not None)
    if recipe.devices.input == "device":
        if size > MOST_BYTES:
            raise UserError(
                f"--input device: the {len(data.train):,} training images have "
                f"{size / 2**30:.1f} GiB, and at most {MOST_BYTES // 2**30} GiB are kept on a "
                "device. Give --input host, or a smaller --image-size."
            )
        return recipe
    gpus = bool(tf.config.list_logical_devices("GPU"))
    fits = gpus and on_one_host(strategy) and size <= MOST_BYTES
    return recipe.with_options(input="device" if fits else "host")


def on_one_host(strategy: tf.distribute.Strategy) -> bool:
    """Returns True if the devices of a strategy are CPUs or GPUs of this host."""
    remote = tf.distribute.MultiWorkerMirroredStrategy | tf.distribute.TPUStrategy
    return not isinstance(strategy, remote)
