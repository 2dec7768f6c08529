"""Parsed body of a REST request."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import numpy as np
from tensorflow_serving.apis import input_pb2

from export.server.json_arrays import to_array
from export.server.json_examples import to_input
from export.server.json_parsing import parse_object
from export.server.json_values import Json, excerpt, is_base64
from export.server.model import ServedSignature, Tensor
from export.server.status import ServingError, invalid


@dataclasses.dataclass(frozen=True)
class RestRequest:
    """The body of a predict, classify or regress request, parsed once.

    Args:
        signature_name: name of the signature, "" for the default one.
        document: members of the JSON object.
    """

    signature_name: str
    document: Mapping[str, Json]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Parses a body.

        Raises:
            ServingError: INVALID_ARGUMENT for invalid JSON or a signature name that is not a text.
        """
        document = parse_object(body)
        name = document.get("signature_name", "")
        if not isinstance(name, str):
            raise invalid(
                f"JSON Value: {excerpt(document)} not formatted correctly. 'signature_name' key "
                "must be a string value."
            )
        return cls(name, document)

    @property
    def has_rows(self) -> bool:
        """True for the row format (`instances`), False for the column format (`inputs`)."""
        return "instances" in self.document

    def tensors(self, signature: ServedSignature) -> dict[str, np.ndarray]:
        """Converts `instances` or `inputs` of a predict request to arrays by input name.

        Raises:
            ServingError: INVALID_ARGUMENT for another format or dtype than the signature's.
        """
        document = self.document
        if "instances" in document and "inputs" in document:
            raise invalid(
                f"JSON Value: {excerpt(document)} Not formatted correctly expecting only one of "
                "'inputs' or 'instances' keys to exist"
            )
        if "instances" in document:
            instances = document["instances"]
            if not isinstance(instances, list):
                raise invalid(
                    f"JSON Value: {excerpt(document)} Excepting 'instances' to be an list/array"
                )
            if not instances:
                raise invalid(f"JSON Value: {excerpt(document)} No values in 'instances' array")
            return _rows(instances, signature.inputs)
        if "inputs" in document:
            return _columns(document["inputs"], signature.inputs)
        raise invalid("Missing 'inputs' or 'instances' key")

    def examples(self) -> input_pb2.Input:
        """Converts `examples` and `context` of a classify or regress request to tf.Examples.

        Raises:
            ServingError: INVALID_ARGUMENT for another format.
        """
        return to_input(self.document)


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
                f"{excerpt(element)} keys must be equal to: {','.join(sorted(inputs))}"
            )
    return {
        name: _stack([element[name] for element in instances], tensor, f" key: {name}")
        for name, tensor in inputs.items()
    }


def _stack(values: list[Json], tensor: Tensor, key: str) -> np.ndarray:
    """Converts one value per row; an error names the row."""
    try:
        return to_array(values, tensor)
    except ServingError:
        pass
    # Convert the values one at a time, to name the one that fails.
    expected = None
    for index, value in enumerate(values):
        where = f"Failed to process element: {index}{key} of 'instances' list. Error: "
        try:
            shape = to_array(value, tensor).shape
        except ServingError as error:
            raise invalid(f"{where}{error.code.name}: {error.message}") from None
        if expected not in (None, shape):
            raise invalid(
                f"{where}INVALID_ARGUMENT: Expecting shape {_brackets(expected)} but got: "
                f"{_brackets(shape)}"
            )
        expected = shape
    return to_array(values, tensor)


def _columns(value: Json, inputs: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    if not _is_object(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        return {name: to_array(value, tensor) for name, tensor in inputs.items()}
    for name in inputs:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: to_array(value[name], tensor) for name, tensor in inputs.items()}


def _is_object(value: Json) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _brackets(shape: tuple[int, ...]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
