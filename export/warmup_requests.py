"""Warmup requests of an exported version: every signature in several batch sizes."""

import pathlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export.check_requests import CheckRequest
from export.server import warmup
from export.server.model import LoadedModel
from export.server.status import Code, ServingError

_CLASSIFY = "classify"


def write_warmup(folder: pathlib.Path, name: str, requests: Iterable[CheckRequest]) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests`, which servers replay after loading.

    Args:
        folder: the SavedModel.
        name: the model's name.
        requests: the requests; those that must be refused are left out.
    """
    path = folder / warmup.FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            if request.compare is not None:
                writer.write(_log(name, request).SerializeToString())


def replay_warmup(folder: pathlib.Path) -> int:
    """Replays the file as a server does; TF Serving does not load a version that fails.

    Returns:
        The number of requests.

    Raises:
        ServingError: no requests, or one that is refused.
    """
    model = LoadedModel("warmup", 1, folder)
    try:
        logs = warmup.read(folder)
        if not logs:
            raise ServingError(Code.NOT_FOUND, f"{folder / warmup.FILE} has no requests")
        warmup.replay(model, logs)
    finally:
        model.close()
    return len(logs)


def _log(name: str, request: CheckRequest) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    if "inputs" in request.inputs:  # Serialized tf.Examples.
        kind = log.classify_log if request.signature == _CLASSIFY else log.regress_log
        proto = kind.request
        for serialized in request.inputs["inputs"]:
            proto.input.example_list.examples.add().ParseFromString(serialized)
    else:
        proto = log.predict_log.request
        for key, value in request.inputs.items():
            is_text = value.dtype == np.dtype(object)
            proto.inputs[key].CopyFrom(tf.make_tensor_proto(value.tolist() if is_text else value))
    proto.model_spec.name = name
    proto.model_spec.signature_name = request.signature
    return log
