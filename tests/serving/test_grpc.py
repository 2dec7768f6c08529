"""TF Serving's gRPC API over a socket."""

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def predict(inputs, signature="", name="m", output_filter=(), **spec):
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for key, value in inputs.items():
        proto = value if isinstance(value, TensorProto) else tensor(value)
        request.inputs[key].CopyFrom(proto)
    return request


def tensor(value):
    return tf.make_tensor_proto(value)


def floats(*values):
    return np.array(values, "float32")


def fail(call, request, **options):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=60, **options)
    return caught.value.code(), caught.value.details()


def test_predict_returns_the_version_and_the_signature(stub):
    for spec in ({}, {"version": 3}, {"label": "stable"}):
        response = stub.Predict(predict({"x": floats(1, 2)}, **spec))
        assert response.model_spec.name == "m"
        assert response.model_spec.version.value == 3
        assert response.model_spec.signature_name == "serving_default"
        assert list(response.outputs["y"].float_val) == [2.5, 3.0]
        assert response.outputs["y"].tensor_content == b""


@pytest.mark.parametrize(
    ("signature", "value", "field"),
    [
        ("echo_float16", np.array([0.5, -2], "float16"), "half_val"),
        ("echo_float64", np.array([0.1, np.nan]), "double_val"),
        ("echo_uint8", np.array([0, 255], "uint8"), "int_val"),
        ("echo_int32", np.array([-1, 7], "int32"), "int_val"),
        ("echo_int64", np.array([-(2**62)]), "int64_val"),
        ("echo_uint64", np.array([2**63], "uint64"), "uint64_val"),
        ("echo_bool", np.array([True, False]), "bool_val"),
        ("serving_default", np.zeros(0, "float32"), "float_val"),
        ("serving_default", np.arange(1000, dtype="float32"), "float_val"),
    ],
)
def test_dtypes(stub, signature, value, field):
    answer = stub.Predict(predict({"x": value}, signature)).outputs["y"]
    assert len(getattr(answer, field)) == len(value)
    expected = value / 2 + 2 if signature == "serving_default" else value
    array = tf.make_ndarray(answer)
    assert array.dtype == value.dtype
    np.testing.assert_array_equal(array, expected)


def test_strings(stub):
    response = stub.Predict(predict({"x": np.array([b"\xff", b""], object)}, "strings"))
    assert list(response.outputs["raw_bytes"].string_val) == [b"\xff", b""]


def test_the_last_value_is_repeated_to_fill_the_shape(stub):
    proto = TensorProto(dtype=1, float_val=[1.0, 3.0])
    proto.tensor_shape.dim.add(size=4)
    answer = stub.Predict(predict({"x": proto})).outputs["y"]
    assert list(answer.float_val) == [2.5, 3.5, 3.5, 3.5]


def test_output_filter(stub):
    inputs = {"a": np.ones((1, 2), "float32"), "b": np.array([2])}
    assert set(stub.Predict(predict(inputs, "several")).outputs) == {"total", "b"}
    response = stub.Predict(predict(inputs, "several", output_filter=["b"]))
    assert set(response.outputs) == {"b"}
    for names, message in ((["no"], "not found in signature: no"), (["b", "b"], "duplicate")):
        code, text = fail(stub.Predict, predict(inputs, "several", output_filter=names))
        assert code == Code.INVALID_ARGUMENT and message in text


def huge():
    proto = TensorProto(dtype=1, float_val=[1.0])
    proto.tensor_shape.dim.add(size=2**40)
    return proto


def shapeless():
    proto = TensorProto(dtype=1, float_val=[1.0])
    proto.tensor_shape.unknown_rank = True
    return proto


def truncated():
    proto = TensorProto(dtype=1, tensor_content=b"abc")
    proto.tensor_shape.dim.add(size=2)
    return proto


X = {"x": floats(1)}


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (predict(X, name="no"), Code.NOT_FOUND, "Latest(no)"),
        (predict(X, version=9), Code.NOT_FOUND, "Specific(m, 9)"),
        (predict(X, label="no"), Code.INVALID_ARGUMENT, "version label: no"),
        (predict(X, name=""), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
        (predict(X, "no"), Code.FAILED_PRECONDITION, 'signature key "no" not found'),
        (predict(X, "__saved_model_init_op"), Code.FAILED_PRECONDITION, "not found"),
        (predict({}), Code.INVALID_ARGUMENT, "Missing but required: {x}"),
        (predict({**X, "z": floats(1)}), Code.INVALID_ARGUMENT, "Sent extra: {z}"),
        (
            predict({"x": np.array([1], "int32")}),
            Code.INVALID_ARGUMENT,
            "Expects arg[0] to be float but int32 is provided",
        ),
        (predict({"x": floats(1).reshape(1, 1)}), Code.INVALID_ARGUMENT, "the shape [-1]"),
        (predict({"x": np.float32(1)}), Code.INVALID_ARGUMENT, "the shape [-1]"),
        (predict({"x": huge()}), Code.INVALID_ARGUMENT, "declares more than"),
        (predict({"x": shapeless()}), Code.INVALID_ARGUMENT, "incomplete"),
        (predict({"x": truncated()}), Code.INVALID_ARGUMENT, "Tensor parsing error"),
        (predict({"x": TensorProto(dtype=99)}), Code.INVALID_ARGUMENT, "dtype: 99"),
        (
            predict({"a": np.ones((2, 2), "float32"), "b": np.array([1, 2, 3])}, "several"),
            Code.INVALID_ARGUMENT,
            "ncompatible shapes",
        ),
        (predict({"x": floats(-1)}, "positive"), Code.INVALID_ARGUMENT, "must be positive"),
        (predict(X, "n" * 3000), Code.FAILED_PRECONDITION, "...TRUNCATED"),
    ],
)
def test_refused(stub, request_, code, message):
    actual, text = fail(stub.Predict, request_)
    assert actual == code and message in text
    assert len(text) <= 1024 + len("...TRUNCATED")


def test_deadlines_stop_a_computation(stub):
    for timeout in (0.3, 60):  # The client's, and the server's own.
        with pytest.raises(grpc.RpcError) as caught:
            stub.Predict(predict({"x": floats(1000)}, "slow"), timeout=timeout)
        assert caught.value.code() == Code.DEADLINE_EXCEEDED


def examples(*values):
    protos = []
    for value in values:
        feature = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        protos.append(tf.train.Example(features=tf.train.Features(feature={"x": feature})))
    return protos


def fill(request, signature, values=(0.25,)):
    spec = getattr(request, "model_spec", None)
    if spec is not None:
        spec.name, spec.signature_name = "m", signature
    request.input.example_list.examples.extend(examples(*values))
    return request


def test_classify_and_regress(stub):
    response = stub.Classify(fill(classification_pb2.ClassificationRequest(), "classify"))
    (answer,) = response.result.classifications
    assert [(c.label, c.score) for c in answer.classes] == [("small", 0.75), ("large", 0.25)]
    assert response.model_spec.signature_name == "classify"
    response = stub.Regress(fill(regression_pb2.RegressionRequest(), "regress", (0.0, 1.0)))
    assert [r.value for r in response.result.regressions] == [2.0, 2.5]
    for signature in ("no", "several", "regress"):
        request = fill(classification_pb2.ClassificationRequest(), signature)
        assert fail(stub.Classify, request)[0] == Code.INVALID_ARGUMENT
    empty = fill(regression_pb2.RegressionRequest(), "regress", ())
    assert fail(stub.Regress, empty) == (Code.INVALID_ARGUMENT, "Input is empty")


def multi(*tasks):
    request = fill(inference_pb2.MultiInferenceRequest(), "")
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = model, signature
    return request


def test_multi_inference(stub):
    both = multi(("m", "classify", "classify"), ("m", "regress", "regress"))
    first, second = stub.MultiInference(both).results
    assert first.classification_result.classifications[0].classes[1].score == 0.25
    assert second.regression_result.regressions[0].value == 2.125
    assert second.model_spec.signature_name == "regress"
    for request, code in (
        (multi(), Code.INVALID_ARGUMENT),
        (multi(("m", "classify", "classify"), ("n", "regress", "regress")), Code.INVALID_ARGUMENT),
        (multi(("m", "regress", "regress"), ("m", "regress", "regress")), Code.INVALID_ARGUMENT),
        (multi(("m", "several", "predict")), Code.UNIMPLEMENTED),
    ):
        assert fail(stub.MultiInference, request)[0] == code


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "m"
    response = stub.GetModelMetadata(request)
    assert response.model_spec.version.value == 3
    described = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(described)
    assert described.signature_def["several"].inputs["b"].dtype == 9
    for fields in ([], ["other"]):
        del request.metadata_field[:]
        request.metadata_field.extend(fields)
        assert fail(stub.GetModelMetadata, request)[0] == Code.INVALID_ARGUMENT


def test_status(models):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "m"
    (version,) = models.GetModelStatus(request).model_version_status
    assert (version.version, version.state, version.status.error_code) == (3, 30, 0)
    request.model_spec.version.value = 9
    assert fail(models.GetModelStatus, request)[0] == Code.NOT_FOUND


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no model_config_list"),
        ('model_config_list { config { name: "m" base_path: "models" } }', "absolute path"),
        (
            'model_config_list { config { name: "m" base_path: "/m" model_platform: "x" } }',
            "platform",
        ),
        (
            'model_config_list { config { name: "m" base_path: "/m" } '
            'config { name: "m" base_path: "/m" } }',
            "multiple times",
        ),
    ],
)
def test_invalid_configurations_change_nothing(models, server, text, message):
    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(text, request.config)
    code, text = fail(models.HandleReloadConfigRequest, request)
    assert code == Code.INVALID_ARGUMENT and message in text
    assert server.states() == {"3": "AVAILABLE"}


def test_answers_have_the_id_of_the_request(stub):
    def ids(name, *metadata):
        request = predict({"x": floats(1.0)}, name=name)
        try:
            _, call = stub.Predict.with_call(request, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            call = error
        return [value for key, value in call.trailing_metadata() if key == "x-request-id"]

    assert ids("m", ("x-request-id", "order-7")) == ["order-7"]
    assert ids("none", ("x-request-id", "order-8")) == ["order-8"]
    (drawn,) = ids("m")
    assert len(drawn) == 32
