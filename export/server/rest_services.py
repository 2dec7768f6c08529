"""What the REST API does with a request's body."""

import dataclasses

import tensorflow as tf
from google.protobuf import json_format, message
from tensorflow_serving.apis import input_pb2

from export.server import inference, json_reading, json_values, json_writing
from export.server.executor import Runner
from export.server.json_values import Json
from export.server.manager import Manager, ModelSpec
from export.server.messages import signature_def_map, status_response
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature, unknown_signature
from export.server.status import Code, invalid

_APIS = {"predict": "Predict", "classify": "Classify", "regress": "Regress"}


@dataclasses.dataclass(frozen=True)
class RestServices:
    """Answers parsed REST requests.

    Args:
        manager: the models.
        runner: what computes.
        metrics: what counts.
        timeout: float, seconds that a computation may take, waiting included.
    """

    manager: Manager
    runner: Runner
    metrics: Metrics
    timeout: float

    async def infer(self, spec: ModelSpec, verb: str, body: bytes) -> bytes:
        """Answers a predict, classify or regress request; checks the JSON before the model.

        Raises:
            ServingError: whatever is wrong with it.
        """
        with self.metrics.request(self.manager.known(spec.name), _APIS[verb], "REST"):
            document = json_reading.parse(body)
            name = json_reading.signature_name(document)
            request = None if verb == "predict" else _input(document)
            with self.manager.use(spec) as model:
                if request is None:
                    return await self._predict(model, name, document)

                async def run(
                    signature: ServedSignature, inputs: Arrays, outputs: tuple[str, ...]
                ) -> Arrays:
                    return await self._run(model, signature, inputs, outputs, _APIS[verb])

                if verb == "classify":
                    classes = await inference.classify(run, model, name, request)
                    return json_writing.classifications(classes)
                return json_writing.regressions(await inference.regress(run, model, name, request))

    async def _predict(self, model: LoadedModel, name: str, document: dict[str, Json]) -> bytes:
        signature = model.signature(name)
        if signature is None:
            raise unknown_signature(name, Code.INVALID_ARGUMENT)
        inputs = json_reading.tensors(document, signature)
        signature.check(inputs)
        outputs = await self._run(model, signature, inputs, signature.choose(()), "Predict")
        write = json_writing.rows if "instances" in document else json_writing.columns
        return write(outputs)

    async def _run(
        self,
        model: LoadedModel,
        signature: ServedSignature,
        inputs: Arrays,
        outputs: tuple[str, ...],
        api: str,
    ) -> Arrays:
        return await self.runner.run(
            model, signature, inputs, outputs, api=api, timeout=self.timeout
        )

    def status(self, spec: ModelSpec) -> bytes:
        """Lists a model's versions; a label is ignored."""
        return json_writing.plain(
            _as_dict(status_response(self.manager.status(spec.name, spec.version)))
        )

    def metadata(self, spec: ModelSpec) -> bytes:
        """Describes a version's signatures."""
        with self.manager.use(spec) as model:
            described = _as_dict(signature_def_map(model))
            head = {"name": model.name, "signature_name": "", "version": str(model.version)}
        return json_writing.plain({"model_spec": head, "metadata": {"signature_def": described}})


def _as_dict(proto: message.Message) -> dict:
    return json_format.MessageToDict(
        proto, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _input(document: dict[str, Json]) -> input_pb2.Input:
    """Reads the examples of a classify or regress request.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    request = input_pb2.Input()
    if "context" in document:
        listed = request.example_list_with_context
        _fill(listed.context, document["context"])
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {json_values.shown(document)} When method is classify, key 'examples' "
            "is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        shown = json_values.shown(document)
        raise invalid(f"JSON Value: {shown} Expecting 'examples' value to be an list/array")
    if not examples:
        shown = json_values.shown(document)
        raise invalid(f"JSON Value: {shown} 'examples' value is an empty array")
    target = request.example_list_with_context if "context" in document else request.example_list
    for features in examples:
        _fill(target.examples.add(), features)
    return request


def _fill(example: tf.train.Example, features: Json) -> None:
    if not isinstance(features, dict):
        kind = json_values.type_name(features)
        raise invalid(f"Example must be JSON object but got JSON {kind}")
    example.SetInParent()
    for name, content in features.items():
        name = json_values.encode_text(name).decode()
        feature = example.features.feature[name]
        for value in content if isinstance(content, list) else [content]:
            _add(feature, name, value)


def _add(feature: tf.train.Feature, name: str, value: Json) -> None:
    """Adds a value to a list of its kind: 1.0 is a float, 1 and true are integers."""
    kind: str
    item: int | float | bytes
    if isinstance(value, bool | int):
        kind, item = "int64", int(value)
    elif isinstance(value, float):
        kind, item = "float", value
    elif isinstance(value, str):
        kind, item = "bytes", json_values.encode_text(value)
    elif json_values.is_base64(value):
        kind, item = "bytes", json_values.decode_base64(value)
    else:
        raise invalid(
            f"Feature: {name} has element with unexpected JSON type: {json_values.type_name(value)}"
        )
    given = feature.WhichOneof("kind")
    if given not in (None, f"{kind}_list"):
        expected = given.removesuffix("_list")
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    try:
        getattr(feature, f"{kind}_list").value.append(item)
    except ValueError:
        text = f"Feature: {name} has uint64 element. Only int64 is supported."
        raise invalid(text) from None
