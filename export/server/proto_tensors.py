"""Conversion between arrays and tensors in protocol buffers."""

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from export.server.model import dtype_name
from export.server.status import invalid

MAX_BYTES = 1 << 30
"""Size limit of a tensor; without it, a tiny request could declare and allocate any shape."""

_INT_VAL = {tf.int8, tf.int16, tf.int32, tf.uint8, tf.uint16}
_FIELDS = {
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
    **dict.fromkeys(_INT_VAL, "int_val"),
}
_PACKED = {tf.float32: 5, tf.float64: 6}  # Field numbers of float_val and double_val.
_COMPLEX = {tf.complex64: "scomplex_val", tf.complex128: "dcomplex_val"}
_HALVES = {tf.float16, tf.bfloat16}


def read(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Converts a message to an array; strings become bytes objects.

    Raises:
        ServingError: INVALID_ARGUMENT for an unknown dtype, or a shape that does not fit the data.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or len(shape) > 64:
        raise invalid(f"Tensor proto has an incomplete or too long shape: {shape}")
    try:
        dtype = tf.as_dtype(proto.dtype)
        size = dtype.size or 8  # A string takes one pointer.
    except TypeError:
        raise invalid(f"Tensor proto has an unknown dtype: {proto.dtype}") from None
    count = 1
    for length in shape:
        count *= length
    if count * size > MAX_BYTES:
        raise invalid(f"Tensor proto declares more than {MAX_BYTES} bytes: shape {shape}")
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(f"Tensor parsing error: {error}") from None


def write(value: np.ndarray, *, as_content: bool = False) -> tensor_pb2.TensorProto:
    """Converts an array to a message.

    Args:
        value: the array.
        as_content: bool, whether numbers are written as raw bytes instead of typed fields.

    Raises:
        ServingError: INVALID_ARGUMENT for a dtype that messages do not support.
    """
    dtype = tf.as_dtype(value.dtype)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    for size in value.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = value.ravel()
    if as_content and dtype != tf.string:
        proto.tensor_content = flat.tobytes()
    elif dtype in _PACKED:
        # Bytes of the wire format are ten times as fast as a list of numbers.
        proto.MergeFromString(_packed(_PACKED[dtype], flat.tobytes()))
    elif dtype in _HALVES:
        proto.half_val.extend(flat.view(np.uint16).tolist())
    elif dtype in _COMPLEX:
        part = np.float32 if dtype == tf.complex64 else np.float64
        getattr(proto, _COMPLEX[dtype]).extend(flat.view(part).tolist())
    elif dtype in _FIELDS:
        getattr(proto, _FIELDS[dtype]).extend(flat.tolist())
    else:
        raise invalid(f"Tensors of {dtype_name(dtype)} cannot be sent.")
    return proto


def _packed(number: int, content: bytes) -> bytes:
    """Encodes a packed field as tag, length and bytes."""
    prefix, length = bytearray([number << 3 | 2]), len(content)
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + content
