"""Execution of a training step: on every replica, guarded, several per call, compiled or not."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

Logs = dict[str, tf.Tensor]
Step = Callable[[Any], Logs]
StepAndExtremes = Callable[[Any], tuple[Logs, tf.Tensor]]
Result = tuple[Logs, tuple[tf.Tensor, ...]]

TOTAL, IN_A_ROW, OFFENDER = 0, 1, 2
"""Positions in the `guard` variable: skipped steps, skipped steps in a row, and the offender."""


def guarded(step: Step, *, state: Sequence[keras.Variable], guard: keras.Variable) -> Step:
    """Wraps a step so that it changes nothing if any of its results is not finite.

    Gradients are summed over replicas before they are applied. All replicas therefore see the same
    variables and decide alike without communication.

    Args:
        step: takes a replica's batch, updates variables, returns logs.
        state: every variable that the step may change, to be restored if the step is skipped.
        guard: int64 `[3]`: all skipped steps, skipped steps in a row, and the index in `state` of
            the first variable that was not finite (-1 for a logged value).
    """

    def guarded_step(data: Any) -> Logs:
        before = [variable.value.read_value() for variable in state]
        logs = step(data)
        bad = tf.stack([_has_non_finite(variable.value.read_value()) for variable in state])
        bad_logs = tf.reduce_any([_has_non_finite(value) for value in logs.values()])
        skip = tf.logical_or(tf.reduce_any(bad), bad_logs)
        count = tf.convert_to_tensor(guard)
        offender = tf.where(tf.reduce_any(bad), tf.argmax(tf.cast(bad, tf.int32)), -1)

        def put_back() -> tf.Tensor:
            for variable, value in zip(state, before, strict=True):
                if variable.aggregation == "none":
                    variable.value.assign(value)
            return tf.stack([count[TOTAL] + 1, count[IN_A_ROW] + 1, offender])

        # All replicas together assign the counters of optimizers, which `tf.cond` does not allow.
        for variable, value in zip(state, before, strict=True):
            if variable.aggregation != "none":
                variable.value.assign(tf.where(skip, value, variable.value.read_value()))
        guard.assign(tf.cond(skip, put_back, lambda: count * tf.constant([1, 0, 1], tf.int64)))
        return {**logs, "skipped_steps": tf.convert_to_tensor(guard)[TOTAL]}

    return guarded_step


def _has_non_finite(value: tf.Tensor) -> tf.Tensor:
    if not value.dtype.is_floating:
        return tf.constant(False)
    return tf.logical_not(tf.reduce_all(tf.math.is_finite(value)))


def train_function(
    steps: Sequence[StepAndExtremes],
    next_kind: Callable[[], tf.Tensor],
    *,
    strategy: tf.distribute.Strategy,
    jit: bool,
    eager: bool,
    steps_per_call: int,
) -> Callable[[Iterator], Result]:
    """Returns the function that takes an iterator, trains, and returns the results.

    The results are the logs, and the second value of `step` for each replica of this host.

    Keras' own function reduces the logs over replicas, which fails for scalars on several hosts,
    and its loop of several steps fails under MirroredStrategy. Here the logs are already equal on
    all replicas, and the loop is outside of `strategy.run`.

    Args:
        steps: what runs on each replica, in several kinds; each returns logs, which are equal on
            all replicas, and a tensor.
        next_kind: returns the position in `steps` of the next one, int32 scalar. The choice is
            outside of `strategy.run`, because replicas cannot communicate inside of `tf.cond`.
        strategy: where.
        jit: whether XLA compiles the step.
        eager: whether to run without a graph, for debugging.
        steps_per_call: int >= 1, steps of one call.
    """
    replica_steps = [
        tf.function(step, jit_compile=True, reduce_retracing=True) if jit else step
        for step in steps
    ]

    def one_step(iterator: Iterator) -> Result:
        data = next(iterator)
        if len(replica_steps) == 1:
            return run(replica_steps[0], data)
        branches = [functools.partial(run, step, data) for step in replica_steps]
        return tf.switch_case(next_kind(), branches)

    def run(replica_step: StepAndExtremes, data: Any) -> Result:
        per_replica, found = strategy.run(replica_step, args=(data,))
        logs = {
            name: strategy.experimental_local_results(value)[0]
            for name, value in per_replica.items()
        }
        return logs, strategy.experimental_local_results(found)

    def several_steps(iterator: Iterator) -> Result:
        for _ in tf.range(steps_per_call - 1):
            one_step(iterator)
        return one_step(iterator)

    call = one_step if steps_per_call == 1 else several_steps
    return call if eager else tf.function(call, reduce_retracing=True)
