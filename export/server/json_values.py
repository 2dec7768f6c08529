"""Single JSON values: strings, base64 data and excerpts for error messages."""

import base64
import binascii
import json
import re
from typing import Any

from export.server.status import invalid

_EXCERPT_CHARACTERS = 200
_JSON_TYPES = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}

Json = Any


def encode_text(text: str) -> bytes:
    """Encodes a string as UTF-8.

    Raises:
        ServingError: INVALID_ARGUMENT for an incomplete surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from None


def decode_base64(value: dict[str, Json]) -> bytes:
    """Returns the bytes of `{"b64": "..."}`.

    Raises:
        ServingError: INVALID_ARGUMENT for another object, or text that is not base64.
    """
    if not is_base64(value):
        raise invalid(f"JSON Value: {excerpt(value)} not formatted correctly for base64 data")
    text = re.sub(r"[ \t\r\n]", "", value["b64"]).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def is_base64(value: Json) -> bool:
    """Checks for an object `{"b64": "..."}` without other keys."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def type_name(value: Json) -> str:
    """Returns the name that TF Serving uses for a value's type."""
    return str(value) if isinstance(value, bool) else _JSON_TYPES[type(value)]


def excerpt(value: Json) -> str:
    """Returns the beginning of a value's JSON text, for an error message."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > _EXCERPT_CHARACTERS:
            text = f"{text[:_EXCERPT_CHARACTERS]}..."
            break
    return text.encode("utf-8", "replace").decode()
