"""Description of an exported SavedModel, read back from its files."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.server.config import BATCHING_FILE

EXTRA = "assets.extra"
README = "README.md"


def describe(version: pathlib.Path) -> str:
    """Returns the signatures, operations, folder and size of an exported version.

    Args:
        version: the folder `DIR/NAME/<version>`.
    """
    lines = [f"{version.parent.name}, version {version.name}"]
    for name, function in tf.saved_model.load(str(version)).signatures.items():
        lines.append(f"  {name}")
        for direction, specs in (
            ("in ", function.structured_input_signature[1]),
            ("out", function.structured_outputs),
        ):
            for key, spec in specs.items():
                lines.append(
                    f"    {direction} {key:<14}{spec.dtype.name:<9}{shape_text(spec.shape)}"
                )
    size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
    lines.append(f"  TensorFlow {tf.__version__}, operations: {', '.join(operations(version))}")
    lines.append(f"  {version} ({size / 1e6:.1f} MB)")
    if (parameters := version / BATCHING_FILE).is_file():
        lines += [f"  {line}" for line in parameters.read_text().splitlines()]
    lines.append(f"  Examples: {version / EXTRA / README}")
    return "\n".join(lines)


def shape_text(shape: tf.TensorShape) -> str:
    """Returns a shape such as `[B, 8, 8, 3]`, with B for the free batch size."""
    return f"[{', '.join('B' if size is None else str(size) for size in shape)}]"


def operations(folder: pathlib.Path) -> list[str]:
    """Returns the names of all TensorFlow operations that a SavedModel runs."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    names: set[str] = set()
    for graph in (meta.graph_def for meta in saved.meta_graphs):
        functions = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        names |= {node.op for node in nodes} - functions
    return sorted(names)
