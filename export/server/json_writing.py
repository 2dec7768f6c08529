"""JSON texts of tensors, classifications and regressions, in TF Serving's format."""

import base64
import json
from collections.abc import Mapping, Sequence

import numpy as np
import orjson
import tensorflow as tf

from export.server.model import dtype_name
from export.server.status import Code, ServingError, invalid

_BYTES_SUFFIX = "_bytes"
_SHORT_DIGITS = 6
_MANY = 1024
_WRITTEN = {
    *(tf.float32, tf.float64, tf.bool, tf.string),
    *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64),
}


def rows(outputs: Mapping[str, np.ndarray]) -> bytes:
    """Writes `{"predictions": [...]}` with one value, or one object of several outputs, per row.

    Raises:
        ServingError: INVALID_ARGUMENT for outputs without a common first dimension.
    """
    size = None
    for name, value in outputs.items():
        if value.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (None, len(value)):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(value)} expecting: {size}"
            )
        size = len(value)
    if len(outputs) == 1:
        return b'{"predictions": %b}' % _only(outputs)
    columns = [_elements(name, outputs[name]) for name in sorted(outputs)]
    keys = [f"{json.dumps(name)}: " for name in sorted(outputs)]
    items = (
        "{" + ", ".join(k + v for k, v in zip(keys, row, strict=True)) + "}"
        for row in zip(*columns, strict=True)
    )
    return f'{{"predictions": [{", ".join(items)}]}}'.encode()


def columns(outputs: Mapping[str, np.ndarray]) -> bytes:
    """Writes `{"outputs": ...}`: the tensor, or an object of several tensors."""
    if len(outputs) == 1:
        return b'{"outputs": %b}' % _only(outputs)
    items = (f"{json.dumps(name)}: {_tensor(name, outputs[name])}" for name in sorted(outputs))
    return f'{{"outputs": {{{", ".join(items)}}}}}'.encode()


def classifications(results: Sequence[Sequence[tuple[bytes, float]]]) -> bytes:
    """Writes `{"results": [[["label", score], ...], ...]}`."""
    items = (
        "["
        + ", ".join(
            f"[{_text(label)}, {text}]"
            for (label, _), text in zip(result, _floats32([s for _, s in result]), strict=True)
        )
        + "]"
        for result in results
    )
    return f'{{"results": [{", ".join(items)}]}}'.encode()


def regressions(values: Sequence[float]) -> bytes:
    """Writes `{"results": [value, ...]}`."""
    return f'{{"results": [{", ".join(_floats32(values))}]}}'.encode()


def error(message: str) -> bytes:
    """Writes `{"error": "..."}`."""
    return orjson.dumps({"error": message.encode("utf-8", "replace").decode()})


def plain(document: dict) -> bytes:
    """Writes a document without tensors, whose texts are valid UTF-8."""
    return orjson.dumps(document)


def _only(outputs: Mapping[str, np.ndarray]) -> bytes:
    ((name, value),) = outputs.items()
    if value.ndim and (_is_integer(value) or _is_large(value)):
        return orjson.dumps(np.ascontiguousarray(value), option=orjson.OPT_SERIALIZE_NUMPY)
    return _tensor(name, value).encode()


def _is_integer(value: np.ndarray) -> bool:
    return value.dtype.kind in "iu" and value.dtype != np.uint16


def _is_large(value: np.ndarray) -> bool:
    """Returns True for arrays that are written with the fewest digits that read back unchanged.

    TF Serving's choice of digits would take too long for so many numbers.
    """
    many = value.dtype in (np.float32, np.float64) and value.size >= _MANY
    return many and bool(np.isfinite(value).all())  # orjson writes no infinities.


def _elements(name: str, value: np.ndarray) -> list[str]:
    """Returns the text of each entry along the first dimension."""
    texts = _leaves(name, value)
    for axis in range(value.ndim - 1, 0, -1):
        size, count = value.shape[axis], int(np.prod(value.shape[:axis]))
        texts = [f"[{', '.join(texts[i * size : (i + 1) * size])}]" for i in range(count)]
    return texts


def _tensor(name: str, value: np.ndarray) -> str:
    if value.ndim == 0:
        return _leaves(name, value)[0]
    return f"[{', '.join(_elements(name, value))}]"


def _leaves(name: str, value: np.ndarray) -> list[str]:
    dtype = tf.as_dtype(value.dtype)
    if dtype not in _WRITTEN:
        message = f"Failed to write JSON value for tensor type: {dtype_name(dtype)}"
        raise ServingError(Code.INVALID_ARGUMENT, message)
    flat = value.ravel()
    if dtype == tf.string:
        as_bytes = name.endswith(_BYTES_SUFFIX)
        return [_base64(content) if as_bytes else _text(content) for content in flat]
    if dtype == tf.bool:
        return ["true" if item else "false" for item in flat]
    return floats(flat) if dtype.is_floating else list(map(str, flat.tolist()))


def _base64(content: bytes) -> str:
    return f'{{"b64": "{base64.b64encode(content).decode()}"}}'


def _text(content: bytes) -> str:
    # TF Serving copies all bytes, which can make invalid JSON.
    return json.dumps(content.decode("utf-8", "replace"), ensure_ascii=False)


def _floats32(values: Sequence[float]) -> list[str]:
    return floats(np.array(values, dtype=np.float32))


def floats(values: np.ndarray) -> list[str]:
    """Writes each number with 6 digits if they are exact, else with 9 (float64: 17).

    A number always has a point or an exponent. NaN and infinities are written without quotes.

    Args:
        values: float32 or float64 array of one dimension.
    """
    if not len(values):
        return []
    digits = 9 if values.dtype == np.float32 else 17
    items = values.tolist()
    # One call formats all numbers, because formatting is the slowest part of an answer.
    texts = (f"%.{digits}g " * len(items) % tuple(items)).split()
    special = _is_short(values) | ~np.isfinite(values) | (values == np.rint(values))
    for i in np.flatnonzero(special).tolist():
        texts[i] = _float(items[i], texts[i], values[i])
    return texts


def _float(item: float, text: str, value: np.floating) -> str:
    if item != item:
        return "NaN"
    if item in (float("inf"), float("-inf")):
        return "Infinity" if item > 0 else "-Infinity"
    short = f"{item:.{_SHORT_DIGITS}g}"
    text = short if value.dtype.type(short) == value else text
    return text if "." in text or "e" in text else f"{text}.0"


def _is_short(values: np.ndarray) -> np.ndarray:
    """Returns a mask of the numbers that six digits may represent; it has no false negatives."""
    exact = np.where(np.isfinite(values), values, 0.0).astype(np.float64)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        scale = 10.0 ** (_SHORT_DIGITS - 1 - np.floor(np.log10(np.abs(exact))))
        error = np.abs(np.rint(exact * scale) / scale - exact)
        return ~(error > np.spacing(np.abs(values)))
