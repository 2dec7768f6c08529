"""Answers to parsed REST requests."""

import dataclasses
import functools

from google.protobuf import json_format, message

from export.server import inference, json_writing
from export.server.executor import Runner
from export.server.manager import Manager, ModelSpec
from export.server.messages import signature_def_map, status_response
from export.server.metrics import Metrics
from export.server.model import LoadedModel, unknown_signature
from export.server.rest_request import RestRequest
from export.server.status import Code

_APIS = {"predict": "Predict", "classify": "Classify", "regress": "Regress"}


@dataclasses.dataclass(frozen=True)
class RestServices:
    """Answers REST requests.

    Args:
        manager: the models.
        runner: runs the models.
        metrics: counters and times of the requests.
        timeout: float, seconds that a computation may take, including its time in the queue.
    """

    manager: Manager
    runner: Runner
    metrics: Metrics
    timeout: float

    async def infer(self, spec: ModelSpec, verb: str, body: bytes) -> bytes:
        """Answers a predict, classify or regress request; checks the JSON before the model.

        Raises:
            ServingError: the failure of the request.
        """
        api = _APIS[verb]
        with self.metrics.request(self.manager.metric_name(spec.name), api, "REST"):
            request = RestRequest.parse(body)
            examples = None if verb == "predict" else request.examples()
            with self.manager.use(spec) as model:
                run = functools.partial(self.runner.run, model, api=api, timeout=self.timeout)
                name = request.signature_name
                if examples is None:
                    return await _predict(run, model, request)
                if verb == "classify":
                    classes = await inference.classify(run, model, name, examples)
                    return json_writing.classifications(classes)
                values = await inference.regress(run, model, name, examples)
                return json_writing.regressions(values)

    def status(self, spec: ModelSpec) -> bytes:
        """Returns the states of a model's versions; a label is ignored."""
        return json_writing.plain(
            _as_dict(status_response(self.manager.status(spec.name, spec.version)))
        )

    def metadata(self, spec: ModelSpec) -> bytes:
        """Returns the signatures of a version."""
        with self.manager.use(spec) as model:
            definitions = _as_dict(signature_def_map(model))
            head = {"name": model.name, "signature_name": "", "version": str(model.version)}
        return json_writing.plain({"model_spec": head, "metadata": {"signature_def": definitions}})


async def _predict(run: inference.Run, model: LoadedModel, request: RestRequest) -> bytes:
    signature = model.signature(request.signature_name)
    if signature is None:
        raise unknown_signature(request.signature_name, Code.INVALID_ARGUMENT)
    inputs = request.tensors(signature)
    signature.check(inputs)
    outputs = await run(signature, inputs, signature.select_outputs(()))
    return (json_writing.rows if request.has_rows else json_writing.columns)(outputs)


def _as_dict(proto: message.Message) -> dict:
    return json_format.MessageToDict(
        proto, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
