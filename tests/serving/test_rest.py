"""Predict, classify and regress requests of the REST API, over a socket."""

import base64
import json

import numpy as np
import pytest

from export.server import json_writing
from tests.serving.conftest import HALF, PREDICT


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def signature(name, **body):
    return {"signature_name": name, **body}


ANSWERS = [
    # Row and column format.
    (HALF, {"predictions": [2.5, 3.0, 4.5]}),
    ({"instances": [{"x": 1.0}, {"x": 2}]}, {"predictions": [2.5, 3.0]}),
    ({"inputs": [1.0, 2.0]}, {"outputs": [2.5, 3.0]}),
    ({"inputs": {"x": [1.0]}}, {"outputs": [2.5]}),
    ({"inputs": {"x": [1.0], "more": [7]}}, {"outputs": [2.5]}),
    ({"inputs": []}, {"outputs": []}),
    ({**HALF, "anything": {"else": 1}}, {"predictions": [2.5, 3.0, 4.5]}),
    ({**HALF, "signature_name": ""}, {"predictions": [2.5, 3.0, 4.5]}),
    (
        signature("several", instances=[{"a": [1, 2], "b": 3}, {"a": [0.5, 0], "b": -1}]),
        {"predictions": [{"b": 3, "total": 6.0}, {"b": -1, "total": -0.5}]},
    ),
    (
        signature("several", inputs={"a": [[1, 2]], "b": [3]}),
        {"outputs": {"b": [3], "total": [6.0]}},
    ),
    (signature("scalar", inputs=[[1, 2], [3, 4]]), {"outputs": {"count": 4, "total": 10.0}}),
    (signature("scalar", inputs=5), {"outputs": {"count": 1, "total": 5.0}}),
    # Strings and bytes.
    (
        signature("strings", instances=["é", b64(b"\x00\xff")]),
        {
            "predictions": [
                {"text": "é", "raw_bytes": b64("é".encode())},
                {"text": "\x00\ufffd", "raw_bytes": b64(b"\x00\xff")},
            ]
        },
    ),
    (signature("strings", inputs={"x": ["a"]}), {"outputs": {"text": ["a"], "raw_bytes": ["b64"]}}),
    # Dtypes.
    (signature("echo_uint8", instances=[300, -1]), {"predictions": [44, 255]}),
    (signature("echo_int32", instances=[-(2**31)]), {"predictions": [-(2**31)]}),
    (signature("echo_int64", instances=[2**63 - 1]), {"predictions": [2**63 - 1]}),
    (signature("echo_uint64", instances=[2**64 - 1]), {"predictions": [2**64 - 1]}),
    (signature("echo_bool", instances=[True, False]), {"predictions": [True, False]}),
    (signature("echo_float64", instances=[0.1, 1e300]), {"predictions": [0.1, 1e300]}),
    ({"instances": [1e300]}, {"predictions": [float("inf")]}),
]


@pytest.mark.parametrize(("body", "expected"), ANSWERS)
def test_predict(server, body, expected):
    if expected.get("outputs", {}) == {"text": ["a"], "raw_bytes": ["b64"]}:
        expected = {"outputs": {"text": ["a"], "raw_bytes": [b64(b"a")]}}
    assert server.predict(body) == (200, expected)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b'{"instances": [NaN, Infinity, -Infinity]}', b"[NaN, Infinity, -Infinity]"),
        (b'{"instances": [Inf, -Inf]}', b"[Infinity, -Infinity]"),
        (b'{"instances": [1.0]} and then [', b"[2.5]"),
        (b'\xef\xbb\xbf {"instances": [1.0]}', b"[2.5]"),
        (b'{"instances": [-3.8, 17999996, 0.2, -3.99994]}',
         b"[0.100000024, 9e+06, 2.1, 3.0040741e-05]"),
    ],
)  # fmt: skip
def test_the_json_dialect_and_the_digits_of_floats(server, sent, answer):
    status, headers, content = server.ask_raw("POST", PREDICT, sent)
    assert status == 200, content
    assert headers["content-type"] == "application/json"
    assert content == b'{"predictions": %b}' % answer


REFUSED = [
    (b"", "The document is empty"),
    (b"{", "JSON Parse error"),
    (b"[1]", "Is not object"),
    (b'{"instances": [1]', "JSON Parse error"),
    ({}, "Missing 'inputs' or 'instances' key"),
    ({"instances": [1], "inputs": [1]}, "expecting only one of 'inputs' or 'instances'"),
    ({"instances": []}, "No values in 'instances' array"),
    ({"instances": 1.0}, "to be an list/array"),
    ({"signature_name": 3, "instances": [1]}, "must be a string value"),
    ({"signature_name": "no", "instances": [1]}, '"no" not found in signature def'),
    # Names.
    (signature("several", instances=[{"a": [1, 2]}]), "keys must be equal to: a,b"),
    (signature("several", instances=[{"a": [1, 2], "b": 1, "c": 1}]), "keys must be equal to"),
    (signature("several", instances=[[1, 2]]), "expecting list of objects"),
    (signature("several", inputs=[[1, 2]]), "expecting an object"),
    (signature("several", inputs={"a": [[1, 2]]}), "Missing named input: b"),
    ({"instances": [{"y": 1.0}]}, "keys must be equal to: x"),
    ({"instances": [{"x": 1.0}, 2.0]}, "Expecting object but got list at item 1"),
    ({"instances": [2.0, {"x": 1.0}]}, "Expecting value/list but got object at item 1"),
    # Values.
    ({"instances": ["1.0"]}, 'JSON Value: "1.0" Type: String is not of expected type: float'),
    ({"instances": [1.0, None]}, "element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON"),
    ({"instances": [True]}, "Type: True is not of expected type: float"),
    ({"instances": [b64(b"a")]}, "Type: Object is not of expected type: float"),
    (signature("echo_int32", instances=[1.0]), "Type: Number is not of expected type: int32"),
    (signature("echo_int32", instances=[2**31]), "is not of expected type: int32"),
    (signature("echo_uint8", inputs=[2**31]), "is not of expected type: uint8"),
    (signature("echo_int64", instances=[2**63]), "is not of expected type: int64"),
    (signature("echo_uint64", instances=[-1]), "is not of expected type: uint64"),
    (signature("echo_bool", instances=[1]), "is not of expected type: bool"),
    (signature("echo_float16", instances=[1.0]), "to type: half"),
    (signature("strings", instances=[1]), "is not of expected type: string"),
    (signature("strings", inputs=[{"b64": "a", "x": 1}]), "not formatted correctly for base64"),
    (signature("strings", inputs=[{"b64": "?"}]), "Unable to base64 decode"),
    (b'{"signature_name": "strings", "instances": ["\\ud800"]}', "surrogate"),
    # Ragged lists, and shapes that TF Serving does not refuse.
    ({"instances": [[1.0], [1.0, 2.0]]}, "Expecting shape [1] but got: [2]"),
    ({"inputs": [[1.0], [1.0, 2.0]]}, "list at unexpected size: 2 at level: 1 expected size: 1"),
    ({"inputs": [1.0, [2.0]]}, "list at unexpected level"),
    ({"inputs": [[1.0], 2.0]}, "found at incorrect level"),
    ({"instances": [[1.0, 2.0]]}, "must have the shape [-1]"),
    ({"inputs": 1.0}, "must have the shape [-1]"),
    (signature("several", instances=[{"a": [1, 2, 3], "b": 1}]), "must have the shape [-1, 2]"),
    (signature("several", inputs={"a": [[1, 2]] * 2, "b": [1, 2, 3]}), "ncompatible shapes"),
    (b'{"inputs": ' + b"[" * 300 + b"1" + b"]" * 300 + b"}", "at most 64 dimensions"),
    (b'{"inputs": NaN, "x": ' + b"[" * 300 + b"]" * 300 + b"}", "more than 200 levels"),
    (b'{"x": ' + b"[" * 50000, "more than 200 levels"),
    # Outputs without a batch dimension, and a failure of the graph.
    (signature("scalar", instances=[1.0]), "has no shape information"),
    (signature("positive", instances=[-1.0]), "x must be positive"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED)
def test_refused(server, body, message):
    status, document = server.predict(body)
    assert (status, list(document)) == (400, ["error"]), document
    assert message in document["error"]


def test_a_dtype_that_json_cannot_represent_is_unimplemented(server):
    assert server.predict(signature("echo_float16", inputs=[1.0]))[0] == 501


def test_classify_and_regress(server):
    def send(verb, **body):
        return server.ask("POST", f"/v1/models/m:{verb}", {"signature_name": verb, **body})

    examples = [{"x": 0.25}, {"x": [0.5]}]
    assert send("classify", examples=examples) == (
        200,
        {"results": [[["small", 0.75], ["large", 0.25]], [["small", 0.5], ["large", 0.5]]]},
    )
    assert send("regress", examples=examples) == (200, {"results": [2.125, 2.25]})
    context = {"x": 1.0}
    assert send("regress", context=context, examples=[{}, {"x": 4.0}]) == (
        200,
        {"results": [2.5, 4.0]},
    )
    for body, message in (
        ({}, "key 'examples' is expected"),
        ({"examples": []}, "is an empty array"),
        ({"examples": 1}, "to be an list/array"),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ({"examples": [{"x": [[1.0]]}]}, "unexpected JSON type: Array"),
        ({"examples": [{"x": [1.0, 1]}]}, "Unexpected element type in feature: x expecting type"),
        ({"examples": [{"x": 80}]}, ""),
        ({"examples": [{"x": 2**63}]}, "Only int64 is supported"),
        ({"signature_name": "no", "examples": [{"x": 1.0}]}, "No signature was found"),
        ({"signature_name": "several", "examples": [{"x": 1.0}]}, "one and only one input"),
        ({"signature_name": "classify", "examples": [{"x": 1.0}]}, "Expected outputs to regress"),
    ):
        status, document = send("regress", **body)
        assert status == 400 and message in document["error"], (body, document)


def test_large_arrays_have_fewer_digits_and_the_same_values():
    values = np.random.default_rng(0).normal(size=2000).astype("float32")
    values[0] = 0.123456789
    few, many = (json_writing.columns({"y": values[:n]}) for n in (10, 2000))
    assert b"[0.123456791, " in few and b"[0.12345679," in many
    np.testing.assert_array_equal(np.float32(json.loads(many)["outputs"]), values)
    values[1] = np.inf
    assert b"Infinity" in json_writing.columns({"y": values})
