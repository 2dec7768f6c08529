"""Conversion of JSON objects to tf.Examples."""

from collections.abc import Mapping

import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from export.server.json_values import (
    Json,
    decode_base64,
    encode_text,
    excerpt,
    is_base64,
    type_name,
)
from export.server.status import invalid


def to_input(document: Mapping[str, Json]) -> input_pb2.Input:
    """Converts the members `examples` and `context` of a classify or regress request.

    Raises:
        ServingError: INVALID_ARGUMENT for another format.
    """
    request = input_pb2.Input()
    if "context" in document:
        listed = request.example_list_with_context
        _fill(listed.context, document["context"])
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {excerpt(document)} When method is classify, key 'examples' "
            "is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {excerpt(document)} Expecting 'examples' value to be an list/array"
        )
    if not examples:
        raise invalid(f"JSON Value: {excerpt(document)} 'examples' value is an empty array")
    target = request.example_list_with_context if "context" in document else request.example_list
    for features in examples:
        _fill(target.examples.add(), features)
    return request


def _fill(example: tf.train.Example, features: Json) -> None:
    if not isinstance(features, dict):
        kind = type_name(features)
        raise invalid(f"Example must be JSON object but got JSON {kind}")
    example.SetInParent()
    for name, content in features.items():
        name = encode_text(name).decode()
        feature = example.features.feature[name]
        for value in content if isinstance(content, list) else [content]:
            _add(feature, name, value)


def _add(feature: tf.train.Feature, name: str, value: Json) -> None:
    """Adds a value to a feature: 1.0 is a float, 1 and true are integers."""
    kind: str
    item: int | float | bytes
    if isinstance(value, bool | int):
        kind, item = "int64", int(value)
    elif isinstance(value, float):
        kind, item = "float", value
    elif isinstance(value, str):
        kind, item = "bytes", encode_text(value)
    elif is_base64(value):
        kind, item = "bytes", decode_base64(value)
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
    existing = feature.WhichOneof("kind")
    if existing not in (None, f"{kind}_list"):
        expected = existing.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    try:
        getattr(feature, f"{kind}_list").value.append(item)
    except ValueError:
        text = f"Feature: {name} has uint64 element. Only int64 is supported."
        raise invalid(text) from None
