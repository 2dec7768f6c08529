"""Rematerialisation: recomputes the activations of network segments instead of storing them."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence

import keras

_active: contextvars.ContextVar[bool] = contextvars.ContextVar("rematerialising", default=False)


@contextlib.contextmanager
def rematerialising(active: bool) -> Iterator[None]:
    """Context in which each `segment` of a network stores its input only, if `active`.

    It must not be active when a gradient is differentiated again, as gradient penalties do:
    TensorFlow's recomputation has no second derivative.
    """
    token = _active.set(active)
    try:
        yield
    finally:
        _active.reset(token)


def segment(
    function: Callable[[keras.KerasTensor], keras.KerasTensor],
    x: keras.KerasTensor,
    *,
    statistics: Sequence[keras.Variable] = (),
) -> keras.KerasTensor:
    """Computes `function(x)`, one segment of a network.

    Inside `rematerialising(True)` the segment's activations are not stored. The backward pass
    computes them again, at the cost of one more forward pass; the results differ by rounding only.

    Args:
        function: the segment; it must not draw noise.
        x: its input. Apart from x and weights, nothing that `function` uses gets a gradient.
        statistics: variables that `function` updates; the second computation restores them.

    Returns:
        The value of `function(x)`.
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
