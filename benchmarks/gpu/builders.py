"""Builds the steps that a specification asks for, in the worker's own process.

Each builder returns one function per mode. A call of it takes the mode's number of steps and
returns after the device has finished them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu.specs import Spec
from benchmarks.train_step import cases

Makers = dict[str, Callable[[], Callable[[], None]]]
MEMORY_LIMIT = 8_000
"""Megabytes of each of the two logical devices."""


def steps_of(mode: str) -> int:
    """Returns the number of steps that one call of a mode takes."""
    return int(mode.partition(":")[2] or 10)


def build(spec: Spec) -> Makers:
    """Returns, for each mode, what builds its call.

    The batch size and the widths are constants of `benchmarks.train_step.cases`, which its other
    modules import, so they are set before any of them is loaded.
    """
    cases.BATCH = spec.batch
    if spec.tiny:
        cases.NETWORKS["dcgan"] = {"generator_filters": 16, "critic_filters": 8}
        cases.NETWORKS["resnet"] = {"generator_filters": 4, "critic_filters": 4}
    if spec.kind == "torch":
        from benchmarks.gpu import torch_step

        return torch_step.build(spec)
    import tensorflow as tf

    from benchmarks.gpu import tensorflow_steps
    from training.determinism import enable_determinism
    from training.options.devices import DeviceOptions

    tf.config.experimental.enable_tensor_float_32_execution(spec.tf32)
    enable_determinism(DeviceOptions(deterministic=spec.deterministic))
    if spec.kind == "replicas":
        split_device(tf)
    return tensorflow_steps.BUILDERS[spec.kind](spec)


def split_device(tf: Any) -> None:
    """Makes two logical devices of the one GPU, or of the CPU if there is no GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    limit = {"memory_limit": MEMORY_LIMIT} if gpus else {}
    device = gpus[0] if gpus else tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration(**limit) for _ in range(2)]
    tf.config.set_logical_device_configuration(device, halves)


def case_of(spec: Spec) -> cases.Case:
    """Returns the specification's model and networks."""
    return cases.Case(spec.model, spec.network, spec.options)


def random_images(count: int) -> np.ndarray:
    """Returns uint8 noise images: speed does not depend on what they show."""
    return np.random.default_rng(1).integers(0, 256, (count, *cases.IMAGE_SHAPE), dtype=np.uint8)
