"""The JSON dialect of TF Serving, and the tensors in its requests."""

import itertools
import json
import re
from collections.abc import Mapping

import numpy as np
import orjson
import tensorflow as tf

from export.server.json_values import (
    Json,
    decode_base64,
    encode_text,
    is_base64,
    shown,
    type_name,
)
from export.server.model import ServedSignature, Tensor, dtype_name
from export.server.status import Code, ServingError, invalid

MAX_DEPTH = 200
"""Levels of lists and objects that are always read; orjson reads up to 1024, nothing reads more."""

_MAX_RANK = 64  # NumPy's own.
_INTEGER_32 = {tf.int8, tf.int16, tf.int32, tf.uint8}
_INTEGERS = {*_INTEGER_32, tf.int64, tf.uint32, tf.uint64}
_FLOATS = {tf.float32, tf.float64}
# Possessive, and with the closing quote optional: linear in the text, whatever a client sends.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]|\bInf\b', re.DOTALL)


def parse(body: bytes) -> dict[str, Json]:
    """Reads a request's body: an object, NaN and Infinity allowed, text behind it ignored.

    Raises:
        ServingError: INVALID_ARGUMENT for anything else, and for too many levels.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_dialect(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    return document


def _parse_dialect(body: bytes) -> Json:
    """Reads what orjson refuses: NaN, infinities, text behind the document."""
    try:
        text = body.decode("utf-8-sig").lstrip(" \t\r\n")
    except UnicodeDecodeError as error:
        text = f"JSON Parse error: Invalid encoding in string. at offset: {error.start}"
        raise invalid(text) from None
    decoder = json.JSONDecoder(strict=True, parse_int=_parse_integer)
    try:
        document, _ = decoder.raw_decode(_check_depth(text))
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    return document


def _check_depth(text: str) -> str:
    """Returns the first document's text, `Inf` spelt out; refuses one that is nested too deeply."""
    depth = 0
    for match in _STRUCTURE.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
            if depth <= 0:
                text = text[: match.end()]
                break
        if depth > MAX_DEPTH:
            raise invalid(f"JSON Parse error: more than {MAX_DEPTH} levels of lists and objects")
    return _STRUCTURE.sub(lambda m: "Infinity" if m.group() == "Inf" else m.group(), text)


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else float(digits)


def signature_name(document: dict[str, Json]) -> str:
    """Returns the signature that a request asks for, "" for the default one."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {shown(document)} not formatted correctly. 'signature_name' key must be "
            "a string value."
        )
    return name


def tensors(document: dict[str, Json], signature: ServedSignature) -> dict[str, np.ndarray]:
    """Reads the inputs of a predict request, `instances` (rows) or `inputs` (columns).

    Raises:
        ServingError: INVALID_ARGUMENT for what the format or the dtypes do not allow.
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {shown(document)} Not formatted correctly expecting only one of 'inputs' "
            "or 'instances' keys to exist"
        )
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid(
                f"JSON Value: {shown(document)} Excepting 'instances' to be an list/array"
            )
        if not instances:
            raise invalid(f"JSON Value: {shown(document)} No values in 'instances' array")
        return _rows(instances, signature.inputs)
    if "inputs" in document:
        return _columns(document["inputs"], signature.inputs)
    raise invalid("Missing 'inputs' or 'instances' key")


def _rows(instances: list[Json], inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    objects = [_is_object(element) for element in instances]
    if not objects[0]:
        if len(inputs) > 1:
            raise invalid(
                "instances is a plain list, but expecting list of objects as multiple input "
                "tensors required as per tensorinfo_map"
            )
        if any(objects):
            raise invalid(
                f"Expecting value/list but got object at item {objects.index(True)} of input list"
            )
        return {name: _stack(instances, tensor, "") for name, tensor in inputs.items()}
    for index, element in enumerate(instances):
        if not objects[index]:
            raise invalid(f"Expecting object but got list at item {index} of input list")
        if element.keys() != inputs.keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{shown(element)} keys must be equal to: {','.join(sorted(inputs))}"
            )
    return {
        name: _stack([element[name] for element in instances], tensor, f" key: {name}")
        for name, tensor in inputs.items()
    }


def _stack(values: list[Json], tensor: Tensor, key: str) -> np.ndarray:
    try:
        return array(values, tensor)
    except ServingError:
        pass
    # Once more, one at a time: which of them is it, and why?
    expected = None
    for index, value in enumerate(values):
        where = f"Failed to process element: {index}{key} of 'instances' list. Error: "
        try:
            shape = array(value, tensor).shape
        except ServingError as error:
            raise invalid(f"{where}{error.code.name}: {error.message}") from None
        if expected not in (None, shape):
            raise invalid(
                f"{where}INVALID_ARGUMENT: Expecting shape {_brackets(expected)} but got: "
                f"{_brackets(shape)}"
            )
        expected = shape
    return array(values, tensor)


def _columns(value: Json, inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    if not _is_object(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        return {name: array(value, tensor) for name, tensor in inputs.items()}
    for name in inputs:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: array(value[name], tensor) for name, tensor in inputs.items()}


def array(value: Json, tensor: Tensor) -> np.ndarray:
    """Turns nested lists of one size a level into an array.

    Raises:
        ServingError: ragged lists, values of another type; UNIMPLEMENTED for dtypes that JSON
            cannot carry.
    """
    shape: list[int] = []
    level = [value]
    while level and type(level[0]) is list:
        if set(map(type, level)) != {list}:
            odd = next(item for item in level if type(item) is not list)
            raise invalid(
                f"JSON Value: {shown(odd)} found at incorrect level: {len(shape) + 1} in the JSON "
                f"DOM. Expected at level: {len(shape) + 2}"
            )
        sizes = set(map(len, level))
        if len(sizes) > 1:
            odd = next(len(item) for item in level if len(item) != len(level[0]))
            raise invalid(
                f"Encountered list at unexpected size: {odd} at level: {len(shape)} expected size: "
                f"{len(level[0])}"
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
    value = shown(values[0] if values else [])
    text = f"Conversion of JSON Value: {value} to type: {dtype_name(dtype)}"
    raise ServingError(Code.UNIMPLEMENTED, text)


def _integers(values: list[int], dtype: tf.DType) -> np.ndarray:
    # Small types take what fits into 32 bits, and wrap: TF Serving's way.
    range_of = np.int32 if dtype in _INTEGER_32 else dtype.as_numpy_dtype
    limits = np.iinfo(range_of)
    if values and not (limits.min <= min(values) and max(values) <= limits.max):
        odd = next(value for value in values if not limits.min <= value <= limits.max)
        raise _type_error(odd, dtype)
    return np.array(values, dtype=range_of).astype(dtype.as_numpy_dtype)


def _check_types(values: list[Json], given: set[type], wanted: set[type], dtype: tf.DType) -> None:
    if not given <= wanted:
        raise _type_error(next(value for value in values if type(value) not in wanted), dtype)


def _type_error(value: Json, dtype: tf.DType) -> ServingError:
    return invalid(
        f"JSON Value: {shown(value)} Type: {type_name(value)} is not of expected type: "
        f"{dtype_name(dtype)}"
    )


def _string(value: Json) -> bytes:
    return decode_base64(value) if isinstance(value, dict) else encode_text(value)


def _is_object(value: Json) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _brackets(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
