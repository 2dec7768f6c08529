"""Single JSON values: strings, base64, and how error messages show them."""

import base64
import binascii
import json
import re
from typing import Any

from export.server.status import invalid

_SHOWN = 200  # Characters of a value that an error message shows.
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
    """Returns a string's UTF-8 bytes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from None


def decode_base64(value: dict[str, Json]) -> bytes:
    """Returns the bytes of `{"b64": "..."}`."""
    if not is_base64(value):
        raise invalid(f"JSON Value: {shown(value)} not formatted correctly for base64 data")
    text = re.sub(r"[ \t\r\n]", "", value["b64"]).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("Unable to base64 decode") from None


def is_base64(value: Json) -> bool:
    """Whether this is `{"b64": "..."}`, that key alone."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def type_name(value: Json) -> str:
    """Returns what TF Serving calls a JSON value's type."""
    return str(value) if isinstance(value, bool) else _JSON_TYPES[type(value)]


def shown(value: Json) -> str:
    """Returns a value as JSON, cut short, for an error message."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += piece
        if len(text) > _SHOWN:
            text = f"{text[:_SHOWN]}..."
            break
    return text.encode("utf-8", "replace").decode()
