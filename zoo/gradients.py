"""Sums over replicas, gradient norms that are safe at zero, and one optimizer step."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import keras
import tensorflow as tf

NORM_EPSILON = 1e-12

Extra = TypeVar("Extra")


def global_sum(value: tf.Tensor) -> tf.Tensor:
    """Computes the sum of `value` over all replicas, on every replica."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def gather(rows: tf.Tensor) -> tf.Tensor:
    """Returns the rows of all replicas in order, on every replica.

    Gradients flow back to the replica that owns the row.

    Args:
        rows: tensor `[b, ...]`; b may differ between replicas.

    Returns:
        Tensor `[B, ...]`, with B the sum of b over all replicas.
    """
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
    """Computes this replica's share of a mean over the global batch: `sum_i values_i / B`.

    Keras sums gradients over replicas, so the gradients of all shares add up to the gradient of
    the global mean, also if the replicas have different numbers of samples.

    Args:
        values: float tensor `[b]`, un-reduced.
        global_batch: float32 scalar, B, the number of samples of all replicas.

    Returns:
        float32 scalar.
    """
    return tf.reduce_sum(tf.cast(values, tf.float32)) / global_batch


def norm_per_sample(gradient: tf.Tensor) -> tf.Tensor:
    """Computes `sqrt(sum_j g_ij^2 + 1e-12)`: finite in value and gradient at g = 0.

    Args:
        gradient: float tensor `[b, ...]`.

    Returns:
        float32 tensor `[b]`, the norm over all axes except the first.
    """
    gradient = tf.cast(gradient, tf.float32)
    axes = list(range(1, gradient.shape.rank))
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=axes) + NORM_EPSILON)


def input_gradient(score: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Computes the gradient of each point's score with respect to that point.

    Args:
        score: a function from `[b, ...]` to scores `[b]`; score i must depend on point i only.
        points: float32 tensor `[b, ...]`.

    Returns:
        float32 tensor of the shape of `points`; zeros if the score is constant.
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
        loss: a function that returns (this replica's share of the loss, any other value). The share
            is a float32 scalar.
        variables: the variables that the optimizer was built with.
        optimizer: a built Keras optimizer. A loss scale is applied if the optimizer has one.

    Returns:
        The second value that `loss` returned.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        share, extra = loss()
        scaled = optimizer.scale_loss(share)
    gradients = tape.gradient(scaled, [variable.value for variable in variables])
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        gradients = _agree_on_overflow(gradients)
    # If a gradient does not depend on the weight itself (WGAN's last layer), Grappler removes the
    # edge that makes the update wait for reads of the weight, and the two race.
    with tf.control_dependencies([share]):
        gradients = [tf.identity(gradient) for gradient in gradients]
    optimizer.apply(gradients, variables)
    return extra


def with_loss_scale(
    optimizer: keras.optimizers.Optimizer, network: keras.Model
) -> keras.optimizers.Optimizer:
    """Wraps the optimizer of a float16 network in a `LossScaleOptimizer`.

    Keras wraps only a model's main optimizer, and a GAN has two.

    Args:
        optimizer: a Keras optimizer.
        network: the network that it trains.

    Returns:
        The wrapped optimizer if the network's policy is `mixed_float16`, else the given one.
    """
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if network.dtype_policy.name != "mixed_float16" or scaled:
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def _agree_on_overflow(gradients: list[tf.Tensor]) -> list[tf.Tensor]:
    """Returns NaN gradients on every replica if the gradients of any replica are not finite.

    The loss-scale optimizer checks only the gradients of its own replica. If the replicas disagreed
    about skipping the step, they would deadlock or diverge.
    """
    finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
    overflows = global_sum(tf.cast(tf.logical_not(tf.reduce_all(finite)), tf.float32))
    factor = tf.where(overflows > 0, float("nan"), 1.0)
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]
