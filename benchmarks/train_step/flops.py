"""Floating-point operations of a graph's convolutions and matrix products, from their shapes.

A convolution of `[N, H, W, C]` to `[N, H', W', K]` with a `k x k` kernel takes `2 N H' W' k^2 C K`
operations, and so does each of its two gradients; an up-convolution is the gradient of one. A
product of `[m, k]` and `[k, n]` takes `2 m k n`. Everything else (norms, activations, optimizers,
noise) is left out: it is what keeps a step from the processor's peak, not what the peak is of. So
are operations that nothing comes of, such as the gradients of weights that are not asked for:
TensorFlow traces them, and drops them before it runs.
"""

import math
from typing import Any

import tensorflow as tf


def count(function: tf.types.experimental.ConcreteFunction) -> float:
    """Counts a traced function's operations; its shapes must be static.

    Raises:
        ValueError: a shape that is not known, or a loop.
    """
    return _count(function.graph)


def _count(graph: Any) -> float:
    left = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    needed: set[tf.Operation] = set()
    while left:
        operation = left.pop()
        if operation not in needed:
            needed.add(operation)
            left += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return float(sum(map(_operations, needed)))


def _operations(operation: tf.Operation) -> float:
    if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
        called = operation.get_attr("f").name
        return _count(operation.graph._get_function(called).graph)
    if operation.type in ("While", "StatelessWhile"):
        raise ValueError(f"The number of rounds of the loop {operation.name} is not known.")
    inputs = [tensor.shape for tensor in operation.inputs]
    if operation.type == "Conv2D":
        return _convolution(outputs=operation.outputs[0].shape, kernel=inputs[1])
    if operation.type == "Conv2DBackpropInput":
        return _convolution(outputs=inputs[2], kernel=inputs[1])
    if operation.type == "Conv2DBackpropFilter":
        return _convolution(outputs=inputs[2], kernel=operation.outputs[0].shape)
    if operation.type == "MatMul":
        inner = inputs[0][0 if operation.get_attr("transpose_a") else 1]
        return 2 * _known(operation.outputs[0].shape) * int(inner)
    return 0


def _convolution(*, outputs: tf.TensorShape, kernel: tf.TensorShape) -> int:
    return 2 * _known(outputs[:3]) * _known(kernel)


def _known(shape: tf.TensorShape) -> int:
    if not shape.is_fully_defined():
        raise ValueError(f"The shape {shape} is not known before the graph runs.")
    return math.prod(shape.as_list())
