"""The warmup requests of an artefact: every signature, in several batch sizes."""

import pathlib
from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from export.check_requests import Case
from export.server import warmup
from export.server.model import LoadedModel
from export.server.status import Code, ServingError

_CLASSIFY = "classify"


def write_warmup(folder: pathlib.Path, name: str, cases: Iterable[Case]) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests`, which servers replay when they load.

    Args:
        folder: the SavedModel.
        name: the model's name.
        cases: requests; those that must be refused are left out.
    """
    path = folder / warmup.FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for case in cases:
            if case.compare is not None:
                writer.write(_log(name, case).SerializeToString())


def replay_warmup(folder: pathlib.Path) -> int:
    """Replays the file as a server does; TF Serving does not load a version that fails it.

    Returns:
        How many requests there were.

    Raises:
        ServingError: a request that is refused.
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


def _log(name: str, case: Case) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    if "inputs" in case.inputs:  # Serialized tf.Examples.
        kind = log.classify_log if case.signature == _CLASSIFY else log.regress_log
        request = kind.request
        for serialized in case.inputs["inputs"]:
            request.input.example_list.examples.add().ParseFromString(serialized)
    else:
        request = log.predict_log.request
        for key, value in case.inputs.items():
            strings = value.dtype == np.dtype(object)
            proto = tf.make_tensor_proto(value.tolist() if strings else value)
            request.inputs[key].CopyFrom(proto)
    request.model_spec.name = name
    request.model_spec.signature_name = case.signature
    return log
