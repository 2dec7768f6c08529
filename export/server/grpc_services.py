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
from export.server.status import Code, ServingError, invalid

log = logging.getLogger(__name__)

_MAX_DETAILS = 1024
_SIGNATURE_DEF = "signature_def"


class _WithSpec(Protocol):
    """A message that says which model it is for."""

    @property
    def model_spec(self) -> model_pb2.ModelSpec: ...


@contextlib.asynccontextmanager
async def _failures(context: grpc.aio.ServicerContext) -> AsyncIterator[None]:
    """Ends the call with the failure's code and text."""
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
        log.exception("A request failed in the server itself")
        await context.abort(grpc.StatusCode.INTERNAL, "Internal error")


def read_spec(proto: model_pb2.ModelSpec) -> ModelSpec:
    """Returns which model a request is for.

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


def _echo(model: LoadedModel, signature: str = "") -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=model.name, signature_name=signature)
    spec.version.value = model.version
    return spec


@dataclasses.dataclass(frozen=True)
class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference, GetModelMetadata.

    Args:
        manager: the models.
        runner: what computes.
        metrics: what counts.
        as_content: bool, whether answers carry raw bytes instead of typed fields.
    """

    manager: Manager
    runner: Runner
    metrics: Metrics
    as_content: bool = False

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Computes a signature's outputs."""
        async with self._request("Predict", context, request) as (model, run):
            name = request.model_spec.signature_name
            signature = model.signature(name)
            if signature is None:
                raise unknown_signature(name, Code.FAILED_PRECONDITION)
            inputs = {k: proto_tensors.read(proto) for k, proto in request.inputs.items()}
            signature.check(inputs)
            outputs = await run(signature, inputs, signature.choose(request.output_filter))
            response = predict_pb2.PredictResponse(model_spec=_echo(model, signature.name))
            for key, value in outputs.items():
                proto = proto_tensors.write(value, as_content=self.as_content)
                response.outputs[key].CopyFrom(proto)
            return response

    async def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.aio.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Returns labels and scores of tf.Examples."""
        async with self._request("Classify", context, request) as (model, run):
            name = inference.resolved(request.model_spec.signature_name)
            classes = await inference.classify(run, model, name, request.input)
            response = classification_pb2.ClassificationResponse(model_spec=_echo(model, name))
            _add_classes(response.result, classes)
            return response

    async def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.aio.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """Returns values of tf.Examples."""
        async with self._request("Regress", context, request) as (model, run):
            name = inference.resolved(request.model_spec.signature_name)
            values = await inference.regress(run, model, name, request.input)
            response = regression_pb2.RegressionResponse(model_spec=_echo(model, name))
            _add_values(response.result, values)
            return response

    async def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.aio.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Classifies and regresses the same tf.Examples."""
        async with self._request("MultiInference", context, *request.tasks) as (model, run):
            response = inference_pb2.MultiInferenceResponse()
            asked: set[str] = set()
            for task in request.tasks:
                name = inference.resolved(task.model_spec.signature_name)
                if name in asked:
                    raise invalid(f"Duplicate evaluation of signature: {name}")
                asked.add(name)
                method = inference.METHODS.get(task.method_name)
                result = response.results.add(model_spec=_echo(model, name))
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
        """Describes a version's signatures."""
        async with _failures(context):
            spec = read_spec(request.model_spec)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != _SIGNATURE_DEF:
                    raise invalid(f"Metadata field {field} is not supported")
            with self.manager.use(spec) as model:
                response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=_echo(model))
                response.metadata[_SIGNATURE_DEF].Pack(signature_def_map(model))
                return response

    @contextlib.asynccontextmanager
    async def _request(
        self, api: str, context: grpc.aio.ServicerContext, *requests: _WithSpec
    ) -> AsyncIterator[tuple[LoadedModel, inference.Run]]:
        """Gives the one model that all of these are for, and what runs it; counts and times."""
        async with _failures(context):
            specs = {read_spec(request.model_spec) for request in requests}
            if len(specs) != 1:
                raise invalid(
                    f"A {api} request must have tasks, and all of them must be for the same model "
                    "name and version."
                )
            spec = specs.pop()
            known = self.manager.known(spec.name)
            with self.metrics.request(known, api, "GRPC"), self.manager.use(spec) as model:

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
    """GetModelStatus, HandleReloadConfigRequest.

    Args:
        manager: the models.
    """

    manager: Manager

    async def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.aio.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Lists a model's versions."""
        async with _failures(context):
            spec = read_spec(request.model_spec)
            return status_response(self.manager.status(spec.name, spec.version))

    async def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.aio.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Replaces the configuration, and waits for new models."""
        async with _failures(context):
            if request.config.WhichOneof("config") is None:
                raise invalid("ReloadConfigRequest has no model_config_list")
            await self.manager.configure(config.models_of(request.config), wait=True)
            return model_management_pb2.ReloadConfigResponse()


def _add_classes(
    result: classification_pb2.ClassificationResult, classes: list[inference.Classes]
) -> None:
    for of_one in classes:
        listed = result.classifications.add()
        for label, score in of_one:
            listed.classes.add(label=label.decode("utf-8", "replace"), score=score)


def _add_values(result: regression_pb2.RegressionResult, values: list[float]) -> None:
    for value in values:
        result.regressions.add(value=value)
