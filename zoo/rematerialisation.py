"""Keeping fewer activations: parts of networks that are computed again for the gradient."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence

import keras

_active: contextvars.ContextVar[bool] = contextvars.ContextVar("rematerialising", default=False)


@contextlib.contextmanager
def rematerialising(active: bool) -> Iterator[None]:
    """Says whether networks that are called within keep the input of each part only.

    What is differentiated twice must not be: TensorFlow's recomputation has no second derivative.
    """
    token = _active.set(active)
    try:
        yield
    finally:
        _active.reset(token)


def part(
    function: Callable[[keras.KerasTensor], keras.KerasTensor],
    x: keras.KerasTensor,
    *,
    statistics: Sequence[keras.Variable] = (),
) -> keras.KerasTensor:
    """Computes `function(x)`, a part of a network.

    Within `rematerialising(True)` the activations inside are not kept but computed again, which
    gives the same numbers, but for rounding, for one more forward pass.

    Args:
        function: draws no noise.
        x: its input; what else it uses gets no gradient, but for weights.
        statistics: variables that it updates, which the second computation must leave alone.
    """
    if not _active.get() or isinstance(x, keras.KerasTensor):
        return function(x)
    calls = 0

    def counted(x: keras.KerasTensor) -> keras.KerasTensor:
        nonlocal calls
        calls += 1
        if calls == 1:
            return function(x)
        before = [variable.value.read_value() for variable in statistics]
        result = function(x)
        for variable, value in zip(statistics, before, strict=True):
            variable.assign(value)
        return result

    return keras.remat(counted)(x)
