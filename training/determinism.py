"""Bit-equal runs on a GPU: TensorFlow's op determinism, and operations that do not support it."""

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from training.options.devices import DeviceOptions
from zoo.errors import UserError

_NODE = re.compile(r"\{\{node ([^}\s]+)\}\}|HLO instruction %?([\w.\-]+)")
_INSTEAD = (
    ("batch-norm", "give --generator-normalization layer and --critic-normalization layer"),
    ("batch_norm", "give --generator-normalization layer and --critic-normalization layer"),
    ("resize", "give --network dcgan, which does not resize"),
    ("resizing", "give --network dcgan, which does not resize"),
)
"""Options that avoid an operation, by a word of TensorFlow's message."""


def enable_determinism(devices: DeviceOptions) -> None:
    """Turns on TensorFlow's op determinism if `--deterministic` was given.

    TensorFlow then chooses kernels that add in a fixed order, in compiled steps too, and raises an
    error for operations that have no such kernel. The setting holds for the rest of the process. It
    must be made before TensorFlow runs an operation.
    """
    if devices.deterministic:
        tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def naming_operations(devices: DeviceOptions) -> Iterator[None]:
    """Translates TensorFlow's error for an operation without a deterministic kernel.

    TensorFlow finds such an operation when it runs or compiles the first step.

    Raises:
        UserError: the error, as one sentence that names the operation.
    """
    try:
        yield
    except tf.errors.OpError as error:
        reason = re.search(r"[^\n]*determinis[^\n]*", error.message or "", re.IGNORECASE)
        if not devices.deterministic or reason is None:
            raise
        raise UserError(refusal(error.message)) from None


def refusal(message: str) -> str:
    """Returns the text for the user from TensorFlow's message.

    Args:
        message: the message, which names the node or the XLA instruction and gives the reason.
    """
    lines = [line.strip() for line in message.splitlines()]
    reason = next(line for line in lines if "determinis" in line.lower())
    found = _NODE.search(message)
    name = (found[1] or found[2]) if found else "an operation of the step"
    lower = message.lower()
    instead = next((text for word, text in _INSTEAD if word in lower), None)
    hint = f"To avoid it, {instead}; or leave" if instead else "Leave"
    return (
        f"--deterministic: {name} has no deterministic kernel on this device (TensorFlow: "
        f"{_NODE.sub('', reason).strip(' .[]')}). {hint} --deterministic out, and give another "
        "--run-dir."
    )
