"""Execution of a training step: on every replica, guarded, several per call, compiled or not."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

Logs = dict[str, tf.Tensor]
Step = Callable[[Any], Logs]
Result = tuple[Logs, tuple[tf.Tensor, ...]]

TOTAL, IN_A_ROW, OFFENDER = 0, 1, 2
"""Positions in the `guard` variable: skipped steps, skipped steps in a row, and the offender."""


def guarded(
    step: Step, *, state: Sequence[keras.Variable], guard: keras.Variable, selects: bool
) -> Callable[[Any], None]:
    """Wraps a step so that it changes nothing if any of its results is not finite.

    Gradients are summed over replicas before they are applied. All replicas therefore see the same
    variables and decide alike without communication.

    Args:
        step: takes a replica's batch, updates variables, returns values to check.
        state: every variable that the step may change, to be restored if the step is skipped.
        guard: int64 `[3]`: all skipped steps, skipped steps in a row, and the index in `state` of
            the first variable that was not finite (-1 for a logged value).
        selects: whether the values are selected without a condition. XLA fuses the selections, and
            a condition in its loop makes a GPU wait for the host in every step. Without XLA a
            condition is cheaper, because it copies nothing if the step is finite.
    """

    def guarded_step(data: Any) -> None:
        before = [variable.value.read_value() for variable in state]
        logs = step(data)
        bad = tf.stack([_has_non_finite(variable.value.read_value()) for variable in state])
        bad_logs = tf.reduce_any([_has_non_finite(value) for value in logs.values()])
        skip = tf.logical_or(tf.reduce_any(bad), bad_logs)
        count = tf.convert_to_tensor(guard)
        offender = tf.where(tf.reduce_any(bad), tf.argmax(tf.cast(bad, tf.int32)), -1)

        skipped = tf.stack([count[TOTAL] + 1, count[IN_A_ROW] + 1, offender])
        taken = count * tf.constant([1, 0, 1], tf.int64)

        def put_back() -> tf.Tensor:
            for variable, value in zip(state, before, strict=True):
                if variable.aggregation == "none":
                    variable.value.assign(value)
            return skipped

        # All replicas together assign the counters of optimizers, which `tf.cond` does not allow.
        for variable, value in zip(state, before, strict=True):
            if selects or variable.aggregation != "none":
                variable.value.assign(tf.where(skip, value, variable.value.read_value()))
        if selects:
            guard.assign(tf.where(skip, skipped, taken))
        else:
            guard.assign(tf.cond(skip, put_back, lambda: taken))

    return guarded_step


def _has_non_finite(value: tf.Tensor) -> tf.Tensor:
    if not value.dtype.is_floating:
        return tf.constant(False)
    return tf.logical_not(tf.reduce_all(tf.math.is_finite(value)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Steps:
    """What one replica computes in a step.

    Attributes:
        kinds: kinds of steps; each updates the variables from a batch.
        next_kind: returns the position in `kinds` of the next one, int32 scalar. On several
            devices the choice is outside of `strategy.run`, because replicas cannot communicate
            inside of `tf.cond`.
        draw: makes a replica's batch from an element of the iterator.
        results: reads the logs, which are equal on all replicas, from the variables.
        check: computes a tensor from a replica's batch.
        checked: shape and type of that tensor.
    """

    kinds: Sequence[Callable[[Any], None]]
    next_kind: Callable[[], tf.Tensor]
    draw: Callable[[Any], Any]
    results: Callable[[], Logs]
    check: Callable[[Any], tf.Tensor]
    checked: tf.TensorSpec

    def any_kind(self, batch: Any) -> None:
        """Takes a step of the next kind."""
        _one_of(self.next_kind, [functools.partial(_after, step, batch) for step in self.kinds])

    def inner(self, step: Callable[[Any], None], data: Any) -> tf.Tensor:
        """Takes a step that is not the last one of a call; returns the check of its batch."""
        batch = self.draw(data)
        step(batch)
        return self.check(batch)

    def last(self, step: Callable[[Any], None], data: Any) -> tuple[Logs, tf.Tensor]:
        """Takes the last step of a call; returns the logs and the check of its batch."""
        batch = self.draw(data)
        step(batch)
        return self.results(), self.check(batch)

    def loop(self, count: int, batches: Any) -> tuple[Logs, tf.Tensor]:
        """Takes steps on stacked batches; returns the logs and the check of the last batch."""
        for number in tf.range(count):
            self.any_kind(self.draw(_part(batches, number)))
        return self.results(), self.check(self.draw(_part(batches, -1)))


def train_function(
    steps: Steps, *, strategy: tf.distribute.Strategy, jit: bool, eager: bool, steps_per_call: int
) -> Callable[[Iterator], Result]:
    """Returns the function that takes an iterator, trains, and returns the results.

    The results are the logs after the last step, and what `check` returned for the last batch of
    each replica of this host.

    Keras' own function reduces the logs over replicas, which fails for scalars on several hosts,
    and its loop of several steps fails under MirroredStrategy. Here the logs are already equal on
    all replicas, and the loop is outside of `strategy.run`.

    With `jit`, XLA compiles

    - on one device all steps of a call as one function. The batches of the call are read and
      stacked before it, unless the iterator gives them stacked, with an `index` of two axes.
      Batches whose shapes are known only when they are read, such as those of plain arrays with a
      smaller last batch, are not stacked: XLA then compiles one step, and TensorFlow runs the loop.
    - on several devices the operations of each replica between two exchanges with other replicas.

    Args:
        steps: what a replica computes.
        strategy: the strategy whose replicas take the steps.
        jit: whether XLA compiles the step.
        eager: whether to run without a graph, for debugging.
        steps_per_call: int >= 1, steps of one call.
    """
    several_replicas = strategy.num_replicas_in_sync > 1
    compiles = jit and not several_replicas

    def on_replica(function: Callable[..., Any]) -> Callable[..., Any]:
        if compiles:
            function = tf.function(function, jit_compile=True, reduce_retracing=True)
        return functools.partial(strategy.run, function)

    kinds = [steps.any_kind] if compiles else steps.kinds
    run_last = [on_replica(functools.partial(steps.last, kind)) for kind in kinds]
    run_inner = [on_replica(functools.partial(steps.inner, kind)) for kind in kinds]
    run_loop = on_replica(functools.partial(steps.loop, steps_per_call))

    def last(run: Callable[..., Any], data: Any) -> Result:
        logs, found = run(args=(data,))
        return _first(strategy, logs), strategy.experimental_local_results(found)

    def inner(run: Callable[..., Any], data: Any) -> tuple[tf.Tensor, ...]:
        return strategy.experimental_local_results(run(args=(data,)))

    def one_step(iterator: Iterator) -> Result:
        data = next(iterator)
        return _one_of(steps.next_kind, [functools.partial(last, run, data) for run in run_last])

    def several_steps(iterator: Iterator) -> Result:
        if compiles and not eager and _has_static_shapes(iterator):
            logs, found = run_loop(args=(_stacked(iterator, steps_per_call),))
            return logs, (found,)
        nothing = strategy.run(lambda: tf.zeros(steps.checked.shape, steps.checked.dtype))
        found = strategy.experimental_local_results(nothing)
        for _ in tf.range(steps_per_call):
            data = next(iterator)
            branches = [functools.partial(inner, run, data) for run in run_inner]
            found = _one_of(steps.next_kind, branches)
        return _first(strategy, strategy.run(steps.results)), found

    call = one_step if steps_per_call == 1 else several_steps
    if eager:
        return call
    call = tf.function(call, reduce_retracing=True)
    return _autoclustered(call) if jit and several_replicas else call


def _one_of(kind: Callable[[], tf.Tensor], branches: Sequence[Callable[[], Any]]) -> Any:
    """Calls one of several functions, whose results have the same structure."""
    return branches[0]() if len(branches) == 1 else tf.switch_case(kind(), branches)


def _after(step: Callable[[Any], None], data: Any) -> tf.Tensor:
    """Takes a step; returns a tensor, because a branch must return one."""
    step(data)
    return tf.constant(0)


def _first(strategy: tf.distribute.Strategy, logs: Mapping[str, Any]) -> Logs:
    """Returns the values of the first replica of this host."""
    return {k: strategy.experimental_local_results(v)[0] for k, v in logs.items()}


def is_stacked(element: Any) -> bool:
    """Returns True if an element has the batches of several steps, each with its `index`."""
    index = element.get("index") if isinstance(element, Mapping) else None
    return index is not None and index.shape.rank == 2


def _has_static_shapes(iterator: Any) -> bool:
    return all(spec.shape.is_fully_defined() for spec in tf.nest.flatten(iterator.element_spec))


def _stacked(iterator: Any, count: int) -> Any:
    """Reads some batches, stacked in the memory of the host, for one copy to the device."""
    if is_stacked(iterator.element_spec):
        return next(iterator)
    batches = [next(iterator) for _ in range(count)]
    with tf.device("CPU:0"):
        return tf.nest.map_structure(lambda *parts: tf.stack(parts), *batches)


def _part(batches: Any, number: tf.Tensor | int) -> Any:
    return tf.nest.map_structure(lambda values: values[number], batches)


def _autoclustered(call: Callable[[Iterator], Result]) -> Callable[[Iterator], Result]:
    """Wraps a function so that XLA compiles groups of its operations, on each device.

    XLA cannot compile an exchange between replicas, and `jit_compile=True` is for a whole function.
    On CPUs this has an effect only with `--tf_xla_cpu_global_jit` in `TF_XLA_FLAGS`.
    """

    def clustered(iterator: Iterator) -> Result:
        before = tf.config.optimizer.get_jit()
        tf.config.optimizer.set_jit("autoclustering")
        try:
            return call(iterator)
        finally:
            tf.config.optimizer.set_jit(before)

    return clustered
