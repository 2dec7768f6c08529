"""Which devices train: TensorFlow's own strategies, chosen by two numbers."""

import functools

import tensorflow as tf

from training.errors import UserError
from training.recipe import Recipe


def make_strategy(recipe: Recipe) -> tf.distribute.Strategy:
    """Makes the strategy of a run.

    `devices = 0` takes every visible GPU, or one CPU device where there is none; more than one
    device means MirroredStrategy. Never run on a GPU yet: what is tested is logical CPU devices.

    Raises:
        UserError: more devices asked for than there are, or than a batch has images.
    """
    if recipe.virtual_devices > 1:
        _split_cpu(recipe.virtual_devices)
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    wanted = recipe.devices or (len(names) if kind == "GPU" or recipe.virtual_devices > 1 else 1)
    if wanted > len(names):
        raise UserError(
            f"--devices {wanted} asked for, but TensorFlow sees {len(names)} {kind} device(s). "
            "Try several without a GPU with --virtual-devices."
        )
    if wanted > recipe.batch_size:
        raise UserError(f"--batch-size {recipe.batch_size} is too small for {wanted} devices.")
    if wanted == 1:
        return tf.distribute.get_strategy()
    return mirrored(tuple(names[:wanted]))


@functools.cache
def mirrored(devices: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """Returns the MirroredStrategy of some devices, always the same one.

    A second strategy over the same devices in one process would number its collective operations
    from the start again, and TensorFlow would take them for the first one's.
    """
    return tf.distribute.MirroredStrategy(devices)


def _split_cpu(count: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    try:
        tf.config.set_logical_device_configuration(cpu, logical)
    except RuntimeError:  # TensorFlow has started: a second run of this process asks the same.
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise UserError(
                f"--virtual-devices {count}: TensorFlow has already started with fewer."
            ) from None


def describe(strategy: tf.distribute.Strategy) -> str:
    """Returns a line on the devices, such as `2 x GPU (MirroredStrategy)`."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    count = strategy.num_replicas_in_sync
    return f"{count} x {kind}" + (f" ({type(strategy).__name__})" if count > 1 else "")
