"""The gRPC API: PredictionService and ModelService."""

import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator
from typing import Protocol

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from export.server import config, inference, proto_tensors
from export.server.executor import Runner
from export.server.manager import Manager, ModelSpec
from export.server.messages import signature_def_map, status_response
from export.server.metrics import Metrics
from export.server.model import Arrays, LoadedModel, ServedSignature, unknown_signature
from export.server.request_log import HEADER, request_id
from export.server.status import Code, ServingError, invalid

log = logging.getLogger(__name__)

_ID = HEADER.decode()
_MAX_DETAILS = 1024
_SIGNATURE_DEF = "signature_def"


class _HasModelSpec(Protocol):
    """A message with the model that it is for."""

    @property
    def model_spec(self) -> model_pb2.ModelSpec: ...


@contextlib.asynccontextmanager
async def _abort_on_error(context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
    """Ends a call with the code and text of the error that was raised; answers with its id."""
    metadata = dict(context.invocation_metadata() or ())
    call_id = request_id(str(metadata.get(_ID, "")))
    context.set_trailing_metadata(((_ID, call_id),))
    try:
        yield
    except ServingError as error:
        text = error.message
        if len(text) > _MAX_DETAILS:
            text = text[:_MAX_DETAILS] + "...TRUNCATED"
        await context.abort(grpc.StatusCode[error.code.name], text)
    except grpc.aio.AbortError:
        raise
    except Exception:
        log.exception("The server failed to handle request %s", call_id)
        await context.abort(grpc.StatusCode.INTERNAL, "Internal error")


def read_spec(proto: model_pb2.ModelSpec) -> ModelSpec:
    """Returns the model that a request is for.

    Raises:
        ServingError: INVALID_ARGUMENT without a name.
    """
    if not proto.name:
        raise invalid("Missing ModelSpec or its name")
    choice = proto.WhichOneof("version_choice")
    return ModelSpec(
        proto.name,
        proto.version.value if choice == "version" else None,
        proto.version_label if choice == "version_label" else None,
    )


def _model_spec(model: LoadedModel, signature: str = "") -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=model.name, signature_name=signature)
    spec.version.value = model.version
    return spec


@dataclasses.dataclass(frozen=True)
class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Implements Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        manager: the models.
        runner: runs the models.
        metrics: counters and times of the requests.
        as_content: bool, whether responses contain raw bytes instead of typed fields.
    """

    manager: Manager
    runner: Runner
    metrics: Metrics
    as_content: bool = False

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Computes the outputs of a signature."""
        async with self._request("Predict", context, request) as (model, run):
            name = request.model_spec.signature_name
            signature = model.signature(name)
            if signature is None:
                raise unknown_signature(name, Code.FAILED_PRECONDITION)
            inputs = {k: proto_tensors.read(proto) for k, proto in request.inputs.items()}
            signature.check(inputs)
            outputs = await run(signature, inputs, signature.select_outputs(request.output_filter))
            response = predict_pb2.PredictResponse(model_spec=_model_spec(model, signature.name))
            for key, value in outputs.items():
                proto = proto_tensors.write(value, as_content=self.as_content)
                response.outputs[key].CopyFrom(proto)
            return response

    async def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.aio.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Returns the labels and scores of tf.Examples."""
        async with self._request("Classify", context, request) as (model, run):
            name = inference.name_or_default(request.model_spec.signature_name)
            classes = await inference.classify(run, model, name, request.input)
            response = classification_pb2.ClassificationResponse(
                model_spec=_model_spec(model, name)
            )
            _add_classes(response.result, classes)
            return response

    async def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.aio.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """Returns the values of tf.Examples."""
        async with self._request("Regress", context, request) as (model, run):
            name = inference.name_or_default(request.model_spec.signature_name)
            values = await inference.regress(run, model, name, request.input)
            response = regression_pb2.RegressionResponse(model_spec=_model_spec(model, name))
            _add_values(response.result, values)
            return response

    async def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.aio.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Classifies and regresses the same tf.Examples."""
        async with self._request("MultiInference", context, *request.tasks) as (model, run):
            response = inference_pb2.MultiInferenceResponse()
            names: set[str] = set()
            for task in request.tasks:
                name = inference.name_or_default(task.model_spec.signature_name)
                if name in names:
                    raise invalid(f"Duplicate evaluation of signature: {name}")
                names.add(name)
                method = inference.METHODS.get(task.method_name)
                result = response.results.add(model_spec=_model_spec(model, name))
                if method == "classify":
                    classes = await inference.classify(run, model, name, request.input)
                    _add_classes(result.classification_result, classes)
                elif method == "regress":
                    values = await inference.regress(run, model, name, request.input)
                    _add_values(result.regression_result, values)
                else:
                    text = f"Unsupported signature method_name: {task.method_name}"
                    raise ServingError(Code.UNIMPLEMENTED, text)
            return response

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Returns the signatures of a version."""
        async with _abort_on_error(context):
            spec = read_spec(request.model_spec)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != _SIGNATURE_DEF:
                    raise invalid(f"Metadata field {field} is not supported")
            with self.manager.use(spec) as model:
                response = get_model_metadata_pb2.GetModelMetadataResponse(
                    model_spec=_model_spec(model)
                )
                response.metadata[_SIGNATURE_DEF].Pack(signature_def_map(model))
                return response

    @contextlib.asynccontextmanager
    async def _request(
        self, api: str, context: grpc.aio.ServicerContext, *requests: _HasModelSpec
    ) -> AsyncIterator[tuple[LoadedModel, inference.Run]]:
        """Yields the model of these messages and a function that runs it; counts and times them."""
        async with _abort_on_error(context):
            specs = {read_spec(request.model_spec) for request in requests}
            if len(specs) != 1:
                raise invalid(
                    f"A {api} request must have tasks, and all tasks must have the same model name "
                    "and version."
                )
            spec = specs.pop()
            name = self.manager.metric_name(spec.name)
            with self.metrics.request(name, api, "GRPC"), self.manager.use(spec) as model:

                async def run(
                    signature: ServedSignature, inputs: Arrays, outputs: tuple[str, ...]
                ) -> Arrays:
                    timeout = context.time_remaining()  # None without a deadline.
                    return await self.runner.run(
                        model, signature, inputs, outputs, api=api, timeout=timeout
                    )

                yield model, run


@dataclasses.dataclass(frozen=True)
class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Implements GetModelStatus and HandleReloadConfigRequest.

    Args:
        manager: the models.
    """

    manager: Manager

    async def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.aio.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Returns the states of a model's versions."""
        async with _abort_on_error(context):
            spec = read_spec(request.model_spec)
            return status_response(self.manager.status(spec.name, spec.version))

    async def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.aio.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Replaces the configuration and waits for new models."""
        async with _abort_on_error(context):
            if request.config.WhichOneof("config") is None:
                raise invalid("ReloadConfigRequest has no model_config_list")
            await self.manager.configure(config.models_from_proto(request.config), wait=True)
            return model_management_pb2.ReloadConfigResponse()


def _add_classes(
    result: classification_pb2.ClassificationResult, classes: list[inference.Classes]
) -> None:
    for pairs in classes:
        example = result.classifications.add()
        for label, score in pairs:
            example.classes.add(label=label.decode("utf-8", "replace"), score=score)


def _add_values(result: regression_pb2.RegressionResult, values: list[float]) -> None:
    for value in values:
        result.regressions.add(value=value)
