"""Errors of a failed conversion, with the layers whose operations the format does not have."""

import contextlib
import errno
import logging
import re
from collections.abc import Iterator

import keras
import tensorflow as tf

from export.write_errors import is_full
from zoo.errors import UserError

# "Tensorflow op [a/b: Betainc] is not supported" (tf2onnx's log), "No Op registered for Betainc"
# (onnxruntime), "TF Select ops: Betainc, ..." and "tf.Betainc(tensor<...>" (LiteRT's converter).
_OPERATION = re.compile(
    r"op \[[^\]]*: (\w+)\] is not supported|registered for (\w+)|tf\.(\w+)\(tensor|"
    r"error: 'tf\.(\w+)' op"
)


@contextlib.contextmanager
def name_failing_layers(model: keras.Model, specs: list, file_format: str) -> Iterator[None]:
    """Replaces the error of a conversion by one that names the layers.

    Args:
        model: the model to convert.
        specs: its input specs.
        file_format: name of the format.

    Raises:
        UserError: the conversion failed.
        OSError: the disk is full.
    """
    log = _RecordingHandler()
    logger = logging.getLogger("tf2onnx")
    logger.addHandler(log)
    try:
        yield
    except Exception as error:  # Converters raise errors of many classes.
        if is_full(error):
            raise OSError(errno.ENOSPC, str(error)[-500:]) from error
        text = "\n".join([*log.lines, str(error)])
        raise UserError(_message(model, specs, file_format, text)) from error
    finally:
        logger.removeHandler(log)


class _RecordingHandler(logging.Handler):
    """Stores warnings and errors."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Stores a message."""
        self.lines.append(record.getMessage())


def _message(model: keras.Model, specs: list, file_format: str, text: str) -> str:
    operations = {name for match in _OPERATION.finditer(text) for name in match.groups() if name}
    layers = _layers_with(model, specs, operations)
    if not layers:
        return f"{model.name} cannot be written as {file_format}: {text[-500:].strip()}"
    description = "; ".join(f"{path} ({', '.join(sorted(o))})" for path, o in layers.items())
    return (
        f"{model.name} cannot be written as {file_format}. These layers use operations that the "
        f"format does not have: {description}. Export it as a SavedModel instead."
    )


def _layers_with(model: keras.Model, specs: list, operations: set[str]) -> dict[str, set[str]]:
    """Returns the operations among these that each layer uses, by the layer's path."""
    traced = tf.function(lambda *inputs: model(*inputs), autograph=False)
    graph = traced.get_concrete_function(*specs).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    layers: dict[str, set[str]] = {}
    for node in nodes:
        if node.op in operations:
            path = node.name.rpartition("/")[0] or node.name
            layers.setdefault(path, set()).add(node.op)
    return layers
