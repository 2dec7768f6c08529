"""Means over the global batch, safe norms, and one optimizer step on a share of a loss."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import keras
import tensorflow as tf

NORM_EPSILON = 1e-12

Extra = TypeVar("Extra")


def global_sum(value: tf.Tensor) -> tf.Tensor:
    """Returns `value` summed over all replicas (the value itself where there is but one)."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def gather(rows: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas `[B, ...]`, in their order; gradients flow to their owner."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    return context.all_gather(rows, axis=0)


def share_of_global_mean(values: tf.Tensor, global_batch: tf.Tensor) -> tf.Tensor:
    """Returns this replica's share of a mean over the global batch.

    Keras sums gradients over replicas, so the shares' gradients add up to that of the mean
    `(1/B) sum_i values_i`, for uneven shares too.

    Args:
        values: float tensor `[b]`, un-reduced.
        global_batch: float32 scalar, B, the number of samples over all replicas.

    Returns:
        float32 scalar.
    """
    return tf.reduce_sum(tf.cast(values, tf.float32)) / global_batch


def norm_per_sample(gradient: tf.Tensor) -> tf.Tensor:
    """Computes `sqrt(sum_j g_ij^2 + 1e-12)`: finite in value and gradient at g = 0.

    Args:
        gradient: float tensor `[b, ...]`.

    Returns:
        float32 tensor `[b]`, the norm over all axes but the first.
    """
    gradient = tf.cast(gradient, tf.float32)
    axes = list(range(1, gradient.shape.rank))
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=axes) + NORM_EPSILON)


def input_gradient(score: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Computes the gradient of each point's score with respect to that point.

    Args:
        score: a function from `[b, ...]` to scores `[b]`, where no score depends on another's point.
        points: float32 tensor `[b, ...]`.

    Returns:
        float32 tensor of the shape of `points`; zeros where the score is constant.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        total = tf.reduce_sum(score(points))
    return tape.gradient(total, points, unconnected_gradients="zero")


def minimise(
    loss: Callable[[], tuple[tf.Tensor, Extra]],
    variables: Sequence[keras.Variable],
    optimizer: keras.optimizers.Optimizer,
) -> Extra:
    """Takes one optimizer step.

    Args:
        loss: computes this replica's share of the loss (float32 scalar), and anything to hand on.
        variables: what the optimizer was built on.
        optimizer: a built Keras optimizer; its loss scale, if it has one, is applied.

    Returns:
        What `loss` handed on.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        share, extra = loss()
        scaled = optimizer.scale_loss(share)
    gradients = tape.gradient(scaled, [variable.value for variable in variables])
    optimizer.apply(gradients, variables)
    return extra
