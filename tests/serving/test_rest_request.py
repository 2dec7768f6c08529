"""Parsed bodies of REST requests."""

import asyncio
import contextlib
import dataclasses
import json

import pytest

from export.server import rest_request
from export.server.executor import Runner, ThreadPool
from export.server.manager import ModelSpec
from export.server.metrics import Metrics
from export.server.model import LoadedModel
from export.server.rest_request import RestRequest
from export.server.rest_services import RestServices


class OneModel:
    """A manager of one model."""

    def __init__(self, model):
        self.model = model

    def metric_name(self, name):
        return name

    @contextlib.contextmanager
    def use(self, spec):
        yield self.model


@pytest.mark.parametrize(
    ("verb", "body", "answer"),
    [
        ("predict", {"instances": [2.0]}, {"predictions": [3.0]}),
        ("predict", {"inputs": [2.0]}, {"outputs": [3.0]}),
        ("regress", {"signature_name": "regress", "examples": [{"x": 2.0}]}, {"results": [3.0]}),
        (
            "classify",
            {"signature_name": "classify", "examples": [{"x": 0.25}]},
            {"results": [[["small", 0.75], ["large", 0.25]]]},
        ),
    ],
)
def test_a_body_is_parsed_once(saved_model, monkeypatch, verb, body, answer):
    bodies = []
    parse = rest_request.parse_object
    monkeypatch.setattr(rest_request, "parse_object", lambda b: bodies.append(b) or parse(b))
    model, threads = LoadedModel("m", 1, saved_model), ThreadPool(1, 10)
    services = RestServices(OneModel(model), Runner(threads, Metrics(), None), Metrics(), 30.0)
    sent = json.dumps(body).encode()
    assert json.loads(asyncio.run(services.infer(ModelSpec("m"), verb, sent))) == answer
    assert bodies == [sent]
    threads.close()
    model.close()


def test_a_request_is_immutable():
    request = RestRequest.parse(b'{"signature_name": "s", "instances": [Inf]} ...')
    assert (request.signature_name, request.has_rows) == ("s", True)
    assert request.document["instances"] == [float("inf")]
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.signature_name = "t"
