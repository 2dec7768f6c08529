"""Calls of the gRPC client; they need TensorFlow's protocol buffers, unlike the REST client."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from export.client.errors import error_of_code
from export.client.model_client import Arrays, Signatures


class GrpcCalls:
    """Calls Predict and GetModelMetadata of one model.

    Args:
        address: host:port of the server.
        name: the model's name.
        version: the model's version, None for the server's choice.
        timeout: seconds that a call may take.
    """

    def __init__(self, address: str, name: str, version: int | None, timeout: float):
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(address, options=unlimited)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._timeout = timeout
        self._spec = model_pb2.ModelSpec(name=name)
        if version is not None:
            self._spec.version.value = version

    def predict(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """Computes the outputs of a signature."""
        request = predict_pb2.PredictRequest(model_spec=self._spec)
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
        response = self._call(self._stub.Predict, request)
        return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}

    def signatures(self) -> Signatures:
        """Returns the dtypes of the inputs and of the outputs of each signature."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=self._spec)
        request.metadata_field.append("signature_def")
        response = self._call(self._stub.GetModelMetadata, request)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(definitions)
        return {
            name: (_dtypes(definition.inputs), _dtypes(definition.outputs))
            for name, definition in definitions.signature_def.items()
            if definition.inputs
        }

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _call(self, call: Callable, request: Any) -> Any:
        try:
            return call(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise error_of_code(error.code().name, error.details()) from None


def _dtypes(infos: Mapping[str, Any]) -> dict[str, str]:
    return {name: np.dtype(tf.as_dtype(i.dtype).as_numpy_dtype).name for name, i in infos.items()}
