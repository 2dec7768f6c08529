"""JSON schemas of files for which no package has one. Each names its source in `$comment`."""

import json
import pathlib
from typing import Any

import jsonschema


def check(document: Any, schema: str) -> None:
    """Raises `jsonschema.ValidationError` if a document does not match a schema of this folder."""
    text = pathlib.Path(__file__).with_name(f"{schema}.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(json.loads(text)).validate(document)
