"""Which layers a format cannot express: converters name operations, and people know layers."""

import contextlib
import logging
import re
from collections.abc import Iterator

import keras
import tensorflow as tf

from zoo.errors import UserError

# "Tensorflow op [a/b: Betainc] is not supported" (tf2onnx's log), "No Op registered for Betainc"
# (onnxruntime), "TF Select ops: Betainc, ..." and "tf.Betainc(tensor<...>" (LiteRT's converter).
_OPERATION = re.compile(
    r"op \[[^\]]*: (\w+)\] is not supported|registered for (\w+)|tf\.(\w+)\(tensor|"
    r"error: 'tf\.(\w+)' op"
)


@contextlib.contextmanager
def unsupported(model: keras.Model, specs: list, file_format: str) -> Iterator[None]:
    """Turns a conversion's failure into one that names the layers.

    Args:
        model: what is converted.
        specs: its inputs.
        file_format: the format's name.

    Raises:
        UserError: the conversion failed.
    """
    said = _Kept()
    logger = logging.getLogger("tf2onnx")
    logger.addHandler(said)
    try:
        yield
    except Exception as error:  # Converters raise what they like.
        text = "\n".join([*said.lines, str(error)])
        raise UserError(_message(model, specs, file_format, text)) from error
    finally:
        logger.removeHandler(said)


class _Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        self.lines.append(record.getMessage())


def _message(model: keras.Model, specs: list, file_format: str, text: str) -> str:
    named = {name for match in _OPERATION.finditer(text) for name in match.groups() if name}
    layers = _layers_with(model, specs, named)
    if not layers:
        return f"{model.name} cannot be written as {file_format}: {text[-500:].strip()}"
    described = "; ".join(f"{layer} ({', '.join(sorted(o))})" for layer, o in layers.items())
    return (
        f"{model.name} cannot be written as {file_format}. Layers with operations that the format "
        f"does not have: {described}. Export it as a SavedModel instead."
    )


def _layers_with(model: keras.Model, specs: list, operations: set[str]) -> dict[str, set[str]]:
    """Returns the layers' paths in the graph, and which of these operations each has."""
    traced = tf.function(lambda *inputs: model(*inputs), autograph=False)
    graph = traced.get_concrete_function(*specs).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    found: dict[str, set[str]] = {}
    for node in nodes:
        if node.op in operations:
            path = node.name.rpartition("/")[0] or node.name
            found.setdefault(path, set()).add(node.op)
    return found
