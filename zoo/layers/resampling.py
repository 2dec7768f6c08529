"""Bilinear resampling by a factor of two, with zeros outside of the image."""

import keras
from keras import ops


def double(x: keras.KerasTensor) -> keras.KerasTensor:
    """Doubles height and width: each new pixel is 3/4 of the nearest and 1/4 of the next one.

    Args:
        x: float `[B, h, w, c]` with known h, w and c.

    Returns:
        Float `[B, 2h, 2w, c]`.
    """
    return _doubled(_doubled(x, axis=1), axis=2)


def halve(x: keras.KerasTensor) -> keras.KerasTensor:
    """Halves height and width with the weights (1, 3, 3, 1) / 8 along each axis.

    Args:
        x: float `[B, h, w, c]` with known h, w and c; h and w are even.

    Returns:
        Float `[B, h / 2, w / 2, c]`.
    """
    return _halved(_halved(x, axis=1), axis=2)


def _doubled(x: keras.KerasTensor, *, axis: int) -> keras.KerasTensor:
    before, after = _shifted(x, axis=axis)
    both = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis + 1)
    shape = list(x.shape)
    shape[axis] *= 2
    return ops.reshape(both, (-1, *shape[1:]))


def _halved(x: keras.KerasTensor, *, axis: int) -> keras.KerasTensor:
    shape = list(x.shape)
    pairs = ops.reshape(x, (-1, *shape[1:axis], shape[axis] // 2, 2, *shape[axis + 1 :]))
    left, right = (ops.take(pairs, place, axis=axis + 1) for place in (0, 1))
    before, _ = _shifted(right, axis=axis)
    _, after = _shifted(left, axis=axis)
    return 0.125 * (before + after) + 0.375 * (left + right)


def _shifted(x: keras.KerasTensor, *, axis: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Returns the previous and the next pixel of each pixel along an axis; zeros outside."""
    size = x.shape[axis]
    rest = [(0, 0)] * (len(x.shape) - axis - 1)
    padded = ops.pad(x, [*[(0, 0)] * axis, (1, 1), *rest])
    start: list[slice] = [slice(None)] * axis
    return padded[(*start, slice(0, size))], padded[(*start, slice(2, size + 2))]
