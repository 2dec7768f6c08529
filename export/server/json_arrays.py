"""Conversion of nested JSON lists to arrays."""

import itertools

import numpy as np
import tensorflow as tf

from export.server.json_values import (
    Json,
    decode_base64,
    encode_text,
    excerpt,
    type_name,
)
from export.server.model import Tensor, dtype_name
from export.server.status import Code, ServingError, invalid

_MAX_RANK = 64  # NumPy's own.
_INTEGER_32 = {tf.int8, tf.int16, tf.int32, tf.uint8}
_INTEGERS = {*_INTEGER_32, tf.int64, tf.uint32, tf.uint64}
_FLOATS = {tf.float32, tf.float64}


def to_array(value: Json, tensor: Tensor) -> np.ndarray:
    """Converts nested lists to an array; all lists of a level must have the same size.

    Raises:
        ServingError: INVALID_ARGUMENT for ragged lists or values of another type, UNIMPLEMENTED
            for dtypes that JSON cannot represent.
    """
    shape: list[int] = []
    level = [value]
    while level and type(level[0]) is list:
        if set(map(type, level)) != {list}:
            scalar = next(item for item in level if type(item) is not list)
            raise invalid(
                f"JSON Value: {excerpt(scalar)} found at incorrect level: {len(shape) + 1} in the "
                f"JSON DOM. Expected at level: {len(shape) + 2}"
            )
        sizes = set(map(len, level))
        if len(sizes) > 1:
            size = next(len(item) for item in level if len(item) != len(level[0]))
            raise invalid(
                f"Encountered list at unexpected size: {size} at level: {len(shape)} expected "
                f"size: {len(level[0])}"
            )
        shape.append(sizes.pop())
        level = list(itertools.chain.from_iterable(level))
    rank = len(shape)
    if list in set(map(type, level)):
        raise invalid(f"Encountered list at unexpected level: {rank} expected < {rank}")
    if rank > _MAX_RANK:
        raise invalid(f"Tensors have at most {_MAX_RANK} dimensions, received {rank}.")
    return _leaves(level, tensor.dtype).reshape(shape)


def _leaves(values: list[Json], dtype: tf.DType) -> np.ndarray:
    types = set(map(type, values))
    if dtype in _FLOATS:
        _check_types(values, types, {int, float}, dtype)
        with np.errstate(over="ignore"):
            return np.array(values, dtype=np.float64).astype(dtype.as_numpy_dtype)
    if dtype in _INTEGERS:
        _check_types(values, types, {int}, dtype)
        return _integers(values, dtype)
    if dtype == tf.bool:
        _check_types(values, types, {bool}, dtype)
        return np.array(values, dtype=bool)
    if dtype == tf.string:
        _check_types(values, types, {str, dict}, dtype)
        result = np.empty(len(values), dtype=object)
        result[:] = [_string(value) for value in values]
        return result
    value = excerpt(values[0] if values else [])
    text = f"Conversion of JSON Value: {value} to type: {dtype_name(dtype)}"
    raise ServingError(Code.UNIMPLEMENTED, text)


def _integers(values: list[int], dtype: tf.DType) -> np.ndarray:
    # As in TF Serving, small types accept 32-bit numbers and wrap around.
    parsed_dtype = np.int32 if dtype in _INTEGER_32 else dtype.as_numpy_dtype
    limits = np.iinfo(parsed_dtype)
    if values and not (limits.min <= min(values) and max(values) <= limits.max):
        wrong = next(value for value in values if not limits.min <= value <= limits.max)
        raise _type_error(wrong, dtype)
    return np.array(values, dtype=parsed_dtype).astype(dtype.as_numpy_dtype)


def _check_types(values: list[Json], types: set[type], allowed: set[type], dtype: tf.DType) -> None:
    if not types <= allowed:
        raise _type_error(next(value for value in values if type(value) not in allowed), dtype)


def _type_error(value: Json, dtype: tf.DType) -> ServingError:
    return invalid(
        f"JSON Value: {excerpt(value)} Type: {type_name(value)} is not of expected type: "
        f"{dtype_name(dtype)}"
    )


def _string(value: Json) -> bytes:
    return decode_base64(value) if isinstance(value, dict) else encode_text(value)
