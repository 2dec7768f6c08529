"""Warmup requests, which a model answers before it becomes available."""

import pathlib
from collections.abc import Iterable

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export.server import inference, proto_tensors
from export.server.model import LoadedModel, unknown_signature
from export.server.status import Code, invalid

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000


def read(folder: pathlib.Path) -> list[prediction_log_pb2.PredictionLog]:
    """Reads the warmup requests of a version; returns an empty list without the file.

    Raises:
        ServingError: INVALID_ARGUMENT for more than `MAX_RECORDS` requests.
        tf.errors.OpError: a file that is not a TFRecord file.
        google.protobuf.message.DecodeError: records that are not requests.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    dataset = tf.data.TFRecordDataset(str(path)).take(MAX_RECORDS + 1)
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in dataset.as_numpy_iterator()
    ]
    if len(logs) > MAX_RECORDS:
        raise invalid(f"Number of warmup records exceeds the maximum ({MAX_RECORDS})")
    return logs


def replay(model: LoadedModel, logs: Iterable[prediction_log_pb2.PredictionLog]) -> None:
    """Runs a model on its warmup requests.

    Raises:
        ServingError: a request that the model refuses; the model must not be served.
    """
    for log in logs:
        kind = log.WhichOneof("log_type")
        if kind == "predict_log":
            _predict(model, log)
        elif kind == "classify_log":
            request = log.classify_log.request
            inference.run_now(model, "classify", request.model_spec, request.input)
        elif kind == "regress_log":
            request = log.regress_log.request
            inference.run_now(model, "regress", request.model_spec, request.input)
        elif kind == "multi_inference_log":
            request = log.multi_inference_log.request
            for task in request.tasks:
                method = inference.METHODS.get(task.method_name)
                if method is None:
                    raise invalid(f"Unsupported signature method_name: {task.method_name}")
                inference.run_now(model, method, task.model_spec, request.input)
        else:
            raise invalid(f"Unsupported log_type for warmup: {kind}")


def _predict(model: LoadedModel, log: prediction_log_pb2.PredictionLog) -> None:
    request = log.predict_log.request
    signature = model.signature(request.model_spec.signature_name)
    if signature is None:
        raise unknown_signature(request.model_spec.signature_name, Code.FAILED_PRECONDITION)
    inputs = {name: proto_tensors.read(proto) for name, proto in request.inputs.items()}
    signature.check(inputs)
    model.run(signature.name, inputs, signature.select_outputs(request.output_filter))
