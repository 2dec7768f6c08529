"""The choice of devices: distribution strategies of TensorFlow by name."""

import contextlib
import functools
import json
import os
from collections.abc import Iterator

import tensorflow as tf

from training.callbacks.saving import StopRequest
from training.cluster import host_count, is_evaluator, tf_config
from training.errors import Interrupted, WorkerLost
from training.options.devices import DeviceOptions
from zoo.errors import UserError

_LOSSES = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)


def make_strategy(
    devices: DeviceOptions, *, batch_size: int | None = None
) -> tf.distribute.Strategy:
    """Returns the distribution strategy of a run.

    `auto` uses all visible GPUs (with MirroredStrategy if there are several), or one CPU. If
    TF_CONFIG or the variables of a platform name several hosts, it uses all of them. Tests use
    logical CPU devices and two processes on one host. Several GPUs and TPUs have not been tested.

    Raises:
        UserError: if the devices are not available, or there are more devices than images in a
            batch.
    """
    if devices.virtual_devices > 1:
        _split_cpu(devices.virtual_devices)
    name = devices.strategy
    if name == "auto" and host_count(tf_config(os.environ)) > 1:
        name = "multi_worker"
        if devices.input == "device":
            raise UserError(
                "--input device is for devices of one host, and TF_CONFIG names several: give "
                "--input host."
            )
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
    return strategy


def _local(devices: DeviceOptions, name: str) -> tf.distribute.Strategy:
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    everything = kind == "GPU" or devices.virtual_devices > 1 or name == "mirrored"
    wanted = devices.devices or (len(names) if everything and name != "single" else 1)
    if name == "single" and wanted > 1:
        raise UserError(
            f"--strategy single is one device, but --devices {wanted} was given. Leave one out."
        )
    if wanted > len(names):
        raise UserError(
            f"--devices {wanted} was given, but TensorFlow finds {len(names)} {kind} device(s). "
            "To try several devices without GPUs, give --virtual-devices."
        )
    return tf.distribute.get_strategy() if wanted == 1 else mirrored(tuple(names[:wanted]))


@functools.cache
def mirrored(devices: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """Returns the MirroredStrategy for some devices, the same object every time.

    A second strategy on the same devices would number its collective operations from the start
    again, and TensorFlow would confuse them with those of the first strategy.
    """
    return tf.distribute.MirroredStrategy(devices)


@functools.cache
def _multi_worker() -> tf.distribute.MultiWorkerMirroredStrategy:
    config = tf_config(os.environ)
    if is_evaluator(config):
        raise UserError(
            "TF_CONFIG names this host an evaluator, which does not train. Start the command with "
            "`python -m training.fit_on_cluster`, which ends here with exit code 0."
        )
    if config is not None:
        os.environ["TF_CONFIG"] = json.dumps(config)
        return tf.distribute.MultiWorkerMirroredStrategy()
    if "SLURM_JOB_ID" in os.environ:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver()
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    if "JOB_COMPLETION_INDEX" in os.environ:
        raise UserError(
            "--strategy multi_worker needs to know the hosts. Kubernetes has set "
            "JOB_COMPLETION_INDEX; set ZOO_NUM_HOSTS and ZOO_SUBDOMAIN in the manifest too, as in "
            "docs/distributed.md."
        )
    raise UserError(
        "--strategy multi_worker needs to know the hosts. Set TF_CONFIG on each host "
        "(docs/distributed.md has an example), or start the command under Slurm with srun."
    )


def _tpu() -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect()
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"--strategy tpu: no TPU was found ({error}).") from None
    return tf.distribute.TPUStrategy(resolver)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns True if this process is the one that writes files."""
    resolver = strategy.cluster_resolver
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) or resolver is None:
        return True
    chief = "chief" in resolver.cluster_spec().as_dict()
    return resolver.task_type == "chief" or (not chief and resolver.task_id == 0)


@contextlib.contextmanager
def losing_workers(
    strategy: tf.distribute.Strategy, request: StopRequest | None = None
) -> Iterator[None]:
    """Translates the error that TensorFlow raises when another process of the run has ended.

    The coordination service of TensorFlow monitors the processes. If one has ended, it aborts
    operations that wait for it within half a minute.

    Args:
        strategy: the strategy of the run.
        request: reports a stop signal to all processes; None before the training starts.

    Raises:
        WorkerLost: if another process has ended.
        Interrupted: if another process has ended after a stop signal to all processes.
    """
    try:
        yield
    except Exception as error:
        several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        loss = _loss_behind(error)
        if not several_hosts or loss is None:
            raise
        if request is not None and request.signal_number is not None:
            raise Interrupted(request.signal_number) from None
        reason = next((line for line in loss.message.splitlines() if "ollective" in line), "")
        raise WorkerLost(
            "Another process of this run has ended or cannot be reached, so this process ends "
            "too. Run the same command on all hosts again; the run resumes from its newest "
            f"checkpoint. TensorFlow's message: {reason.strip()}"
        ) from None


def _loss_behind(error: BaseException | None) -> tf.errors.OpError | None:
    """Returns the loss of a process that caused an error, which Keras may have wrapped."""
    while error is not None and not isinstance(error, _LOSSES):
        error = error.__cause__ or error.__context__
    return error


def _split_cpu(count: int) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    try:
        tf.config.set_logical_device_configuration(cpu, logical)
    except RuntimeError:  # TensorFlow has started, in an earlier run of this process.
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise UserError(
                f"--virtual-devices {count}: TensorFlow has already started with fewer devices. "
                "Use a new process."
            ) from None


def describe(strategy: tf.distribute.Strategy) -> str:
    """Returns a description of the devices, such as `2 x GPU (MirroredStrategy)`."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    count = strategy.num_replicas_in_sync
    several_hosts = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    name = "MultiWorkerMirroredStrategy" if several_hosts else type(strategy).__name__
    return f"{count} x {kind}" + (f" ({name})" if count > 1 else "")
