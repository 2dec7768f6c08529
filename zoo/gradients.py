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
    """Returns the rows of all replicas `[B, ...]` in order; gradients flow to their owner."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows
    return context.all_gather(rows, axis=0)


def global_mean(values: tf.Tensor) -> tf.Tensor:
    """Returns the mean over the global batch; its gradient reaches every replica's values.

    Args:
        values: float tensor `[b]`, the values of this replica.

    Returns:
        float32 scalar, equal on all replicas.
    """
    return tf.reduce_mean(gather(tf.cast(values, tf.float32)))


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
        score: a function from `[b, ...]` to scores `[b]`, each a function of its own point.
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
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        gradients = _agree_on_overflow(gradients)
    # Where a gradient does not depend on the weight itself (WGAN's last layer), Grappler drops the
    # edge that makes the update wait for the weight's reads, and the two race.
    with tf.control_dependencies([share]):
        gradients = [tf.identity(gradient) for gradient in gradients]
    optimizer.apply(gradients, variables)
    return extra


def with_loss_scale(
    optimizer: keras.optimizers.Optimizer, network: keras.Model
) -> keras.optimizers.Optimizer:
    """Wraps the optimizer of a float16 network in dynamic loss scaling; returns others as they are.

    Keras wraps only a model's main optimizer, and a GAN has two.
    """
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if network.dtype_policy.name != "mixed_float16" or scaled:
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def _agree_on_overflow(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Makes every replica's gradients overflow where one's do.

    The loss scale's check looks at a replica's own gradients; without this, one replica would skip
    the step and wait for, or run away from, the others.
    """
    finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
    overflows = global_sum(tf.cast(tf.logical_not(tf.reduce_all(finite)), tf.float32))
    factor = tf.where(overflows > 0, float("nan"), 1.0)
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]
