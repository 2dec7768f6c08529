"""Parser of the JSON dialect that TF Serving accepts."""

import json
import re

import orjson

from export.server.json_values import Json, excerpt
from export.server.status import invalid

MAX_DEPTH = 200
"""Nesting depth that every document may have; orjson reads up to 1024 levels of plain JSON."""

# The quantifiers are possessive and the closing quote is optional, so that matching takes linear
# time on any text.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]|\bInf\b', re.DOTALL)


def parse_object(body: bytes) -> dict[str, Json]:
    """Parses a JSON object; NaN and Infinity are allowed, text after the object is ignored.

    Raises:
        ServingError: INVALID_ARGUMENT for another document, or for one that is nested too deeply.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _parse_dialect(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {excerpt(document)} Is not object")
    return document


def _parse_dialect(body: bytes) -> Json:
    """Parses what orjson refuses: NaN, infinities and text after the document."""
    try:
        text = body.decode("utf-8-sig").lstrip(" \t\r\n")
    except UnicodeDecodeError as error:
        text = f"JSON Parse error: Invalid encoding in string. at offset: {error.start}"
        raise invalid(text) from None
    decoder = json.JSONDecoder(strict=True, parse_int=_parse_integer)
    try:
        document, _ = decoder.raw_decode(_first_document(text))
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    return document


def _first_document(text: str) -> str:
    """Returns the text of the first document, with `Inf` spelled `Infinity`.

    Raises:
        ServingError: INVALID_ARGUMENT for more than `MAX_DEPTH` levels.
    """
    pieces: list[str] = []
    start, depth = 0, 0
    for match in _STRUCTURE.finditer(text):
        token = match.group()
        if token == "Inf":
            pieces += [text[start : match.start()], "Infinity"]
            start = match.end()
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
            if depth <= 0:
                text = text[: match.end()]
                break
        if depth > MAX_DEPTH:
            raise invalid(f"JSON Parse error: more than {MAX_DEPTH} levels of lists and objects")
    return "".join([*pieces, text[start:]])


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else float(digits)
