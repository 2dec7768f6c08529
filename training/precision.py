"""The choice of the precision: `--precision auto`, and the note on precision in the header."""

import tensorflow as tf

from training.options.devices import DeviceOptions
from training.processor import computes_bfloat16, processor_name
from training.recipe import Recipe
from training.run_folder import RunFolder, read_recipe

LEAST_CAPABILITY = (8, 0)
"""The first compute capability of NVIDIA GPUs with bfloat16 instructions."""
ON_CPU = "1.4 to 1.65 times as fast on a CPU with AVX-512 BF16"
ON_GPU = "1.07 times as fast on one H200 at batch 64"
"""Gains that were measured; docs/precision.md states of what."""


def with_precision(recipe: Recipe, folder: RunFolder, strategy: tf.distribute.Strategy) -> Recipe:
    """Replaces the precision `auto` by a precision.

    - A resumed run keeps its precision.
    - Devices with bfloat16 instructions use mixed_bfloat16.
    - Other devices use float32: they emulate bfloat16, which is slow.
    - Several hosts use float32: each would choose by its own processor.

    Args:
        recipe: a checked recipe.
        folder: the run's folder.
        strategy: the run's strategy.
    """
    if recipe.devices.precision != "auto":
        return recipe
    if folder.recipe.exists() and (stored := read_recipe(folder.path).get("precision")):
        return recipe.with_options(precision=stored)
    several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    fast = not several_hosts and has_bfloat16(recipe.devices)
    return recipe.with_options(precision="mixed_bfloat16" if fast else "float32")


def has_bfloat16(devices: DeviceOptions) -> bool:
    """Returns True if the devices of a run have bfloat16 instructions."""
    if devices.strategy == "tpu":
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return computes_bfloat16()
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return all(each.get("compute_capability", (0, 0)) >= LEAST_CAPABILITY for each in details)


def precision_note(devices: DeviceOptions) -> str:
    """Returns the precision, and what is known of the gain of another one.

    Args:
        devices: options with a precision other than `auto`.
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    where = "this GPU" if on_gpu else processor_name()
    emulated = f"{devices.precision}, which {where} emulates: float32 is faster"
    if devices.precision == "mixed_float16":
        return devices.precision if on_gpu else emulated
    if not has_bfloat16(devices):
        return devices.precision if devices.precision == "float32" else emulated
    gain = ON_GPU if on_gpu else ON_CPU
    if devices.precision == "float32":
        return f"float32; mixed_bfloat16 is available, and was measured {gain}"
    return f"mixed_bfloat16, measured {gain}"
