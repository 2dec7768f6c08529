"""Which devices train: TensorFlow's own strategies, chosen by name."""

import contextlib
import functools
import os
from collections.abc import Iterator

import tensorflow as tf

from training.callbacks.saving import StopRequest
from training.compilation import check_compilation
from training.errors import Interrupted, WorkerLost
from training.options.devices import DeviceOptions
from zoo.errors import UserError

_LOSSES = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)


def make_strategy(
    devices: DeviceOptions, *, batch_size: int | None = None
) -> tf.distribute.Strategy:
    """Makes the strategy of a run.

    `auto` takes every visible GPU (MirroredStrategy where there are several), or one CPU; several
    hosts where TF_CONFIG names more than one. Never run on a GPU or TPU yet: what is tested is
    logical CPU devices, and two processes on one host.

    Raises:
        UserError: what was asked for is not there, or a batch is smaller than the devices.
    """
    if devices.virtual_devices > 1:
        _split_cpu(devices.virtual_devices)
    name = devices.strategy
    if name == "auto" and _workers() > 1:
        name = "multi_worker"
    if name == "multi_worker":
        strategy: tf.distribute.Strategy = _multi_worker()
    elif name == "tpu":
        strategy = _tpu()
    else:
        strategy = _local(devices, name)
    if batch_size is not None and strategy.num_replicas_in_sync > batch_size:
        raise UserError(
            f"--batch-size {batch_size} is too small for {strategy.num_replicas_in_sync} devices."
        )
    check_compilation(devices, strategy)
    return strategy


def _local(devices: DeviceOptions, name: str) -> tf.distribute.Strategy:
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    everything = kind == "GPU" or devices.virtual_devices > 1 or name == "mirrored"
    wanted = devices.devices or (len(names) if everything and name != "single" else 1)
    if name == "single" and wanted > 1:
        raise UserError(f"--strategy single is one device, but --devices {wanted} asks for more.")
    if wanted > len(names):
        raise UserError(
            f"--devices {wanted} asked for, but TensorFlow sees {len(names)} {kind} device(s). "
            "Try several without a GPU with --virtual-devices."
        )
    return tf.distribute.get_strategy() if wanted == 1 else mirrored(tuple(names[:wanted]))


@functools.cache
def mirrored(devices: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """Returns the MirroredStrategy of some devices, always the same one.

    A second strategy over the same devices in one process would number its collective operations
    from the start again, and TensorFlow would take them for the first one's.
    """
    return tf.distribute.MirroredStrategy(devices)


def _workers() -> int:
    """How many hosts TF_CONFIG names."""
    if "TF_CONFIG" not in os.environ:
        return 1
    spec = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().as_dict()
    return sum(len(spec.get(job, [])) for job in ("chief", "worker"))


@functools.cache
def _multi_worker() -> tf.distribute.MultiWorkerMirroredStrategy:
    if "TF_CONFIG" in os.environ:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if "SLURM_JOB_ID" in os.environ:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver()
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    raise UserError(
        "--strategy multi_worker needs to know the hosts: set TF_CONFIG on each "
        "(docs/distributed.md has an example), or start it under Slurm with srun."
    )


def _tpu() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"--strategy tpu: no TPU was found ({error}).") from None
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or resolver is None:
        return True
    chief = "chief" in resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or (not chief and resolver.task_id == 0)


@contextlib.contextmanager
def losing_workers(strategy: tf.distribute.Strategy, request: StopRequest) -> Iterator[None]:
    """Turns what TensorFlow raises when another process of the run has died into our own words.

    TensorFlow's coordination service looks after the processes, and aborts what waits for a dead
    one within half a minute.

    Raises:
        WorkerLost: another process is gone.
        Interrupted: the same, after this process was told to stop, as all of them are.
    """
    try:
        yield
    except tf.errors.OpError as error:
        several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if not several_hosts or not isinstance(error, _LOSSES):
            raise
        if request.signal_number is not None:
            raise Interrupted(request.signal_number) from None
        reason = next((line for line in error.message.splitlines() if "ollective" in line), "")
        raise WorkerLost(
            "Another process of this run has ended, or cannot be reached, so this one ends too. "
            "Start the same command on all hosts again; the run goes on from its newest "
            f"checkpoint. TensorFlow says: {reason.strip()}"
        ) from None


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
    several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    name = "MultiWorkerMirroredStrategy" if several_hosts else type(strategy).__name__
    return f"{count} x {kind}" + (f" ({name})" if count > 1 else "")
