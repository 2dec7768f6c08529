"""Compares an InferenceService file with KServe's SDK; runs in a Python that has kserve.

`PYTHON tests/support/kserve_form.py FILE` prints one line per mistake: a key that the SDK's class
does not have, or a value of another type.
"""

import re
import sys
from collections.abc import Iterator

import kserve
import yaml
from kserve import models

_PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def mistakes(value: object, kind: str, place: str) -> Iterator[str]:
    """Yields the differences of a value from a type of the SDK, such as `list[V1Container]`."""
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            yield f"{place}: expected list"
            return
        for number, item in enumerate(value):
            yield from mistakes(item, inner[1], f"{place}[{number}]")
        return
    known = getattr(models, kind, None)
    if known is None:
        if not isinstance(value, _PLAIN.get(kind, object)):
            yield f"{place}: expected {kind}"
        return
    if not isinstance(value, dict):
        yield f"{place}: expected {kind}"
        return
    kinds = {key: known.openapi_types[name] for name, key in known.attribute_map.items()}
    for key, item in value.items():
        if key in kinds:
            yield from mistakes(item, kinds[key], f"{place}.{key}")
        else:
            yield f"{place}: {kind} has no {key}"


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        document = yaml.safe_load(file)
    assert document["apiVersion"] == f"{kserve.constants.KSERVE_GROUP}/v1beta1"
    assert document["kind"] == kserve.constants.KSERVE_KIND_INFERENCESERVICE
    print("\n".join(mistakes(document, "V1beta1InferenceService", "file")))
