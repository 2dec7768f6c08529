"""The self-check of an exported SavedModel."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from export.check_requests import CheckRequest, check_requests, expect
from export.signatures import signatures
from export.verify import (
    TOLERANCE,
    VerificationError,
    check_answer,
    check_operations,
    verify,
)
from export.warmup_requests import write_warmup
from tests.export.conftest import SHAPE
from zoo.networks import DCGANGenerator
from zoo.tasks import ImageGenerator


def test_a_failing_warmup_request_is_found(exported, tmp_path, generator):
    shutil.copytree(exported[0] / "digits_generator" / "1", tmp_path / "1")
    request = CheckRequest("generate", {"seed": np.array([1]), "label": np.array([3])}, expect({}))
    write_warmup(tmp_path / "1", "g", [request])
    with pytest.raises(VerificationError, match="warmup requests fail: .*label must be in 0..2"):
        verify(tmp_path / "1", generator)


def test_other_weights_are_found(exported, generator):
    other = ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3))
    with pytest.raises(VerificationError, match="images is"):
        verify(exported[0] / "digits_generator" / "1", other)


@pytest.mark.parametrize(
    ("expected", "answer", "message"),
    [
        ({"y": np.ones(2, "float32")}, {"y": np.ones(2, "float32") + np.float32(1e-4)}, "y is"),
        ({"y": np.ones(2, "float32")}, {"y": np.ones((2, 1), "float32")}, "y is"),
        ({"y": np.ones(2, "float32")}, {"y": np.ones(2, "float64")}, "y is"),
        ({"y": np.array([3], "uint8")}, {"y": np.array([5], "uint8")}, "y is"),
        ({"y": np.array([b"a"])}, {"y": np.array([b"b"])}, "y is"),
        ({"y": np.ones(2)}, "InvalidArgumentError: no", "failed: InvalidArgumentError"),
        (None, {"y": np.ones(2)}, "must be refused"),
    ],
)
def test_answers_that_differ_are_found(expected, answer, message):
    request = CheckRequest("s", {"x": np.zeros(2)}, expected and expect(expected))
    with pytest.raises(VerificationError, match=message):
        check_answer(request, answer, TOLERANCE)


def test_rounding_is_accepted():
    near = {"f": np.array([1.000001], "float32"), "u": np.array([4], "uint8")}
    exact = {"f": np.array([1.0], "float32"), "u": np.array([5], "uint8")}
    check_answer(CheckRequest("s", {}, expect(exact)), near, TOLERANCE)
    check_answer(CheckRequest("s", {}, None), "InvalidArgumentError: refused", TOLERANCE)


@pytest.mark.parametrize("kind", ["python", "xla"])
def test_operations_that_servers_do_not_have_are_found(tmp_path, kind):
    def python(x):
        return {"y": tf.ensure_shape(tf.py_function(lambda v: v, [x], tf.float32), [None])}

    def xla(x):
        return {"y": tf.function(lambda v: v + 1.0, jit_compile=True)(x)}

    function = tf.function(python if kind == "python" else xla, autograph=False)
    spec = tf.TensorSpec([None], tf.float32, name="x")
    traced = {"serving_default": function.get_concrete_function(spec)}
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures=traced)
    with pytest.raises(VerificationError, match="Python" if kind == "python" else "XLA"):
        check_operations(tmp_path)


def test_requests_cover_every_signature_in_four_batch_sizes(classifier, generator):
    for task in (classifier, generator):
        declared = signatures(task)
        requests = check_requests(task, declared)
        for name, signature in declared.items():
            own = [request for request in requests if request.signature == name]
            sizes = {len(next(iter(r.inputs.values()))) for r in own if r.compare}
            assert sizes == {1, 2, 3, 32}
            assert sum(request.compare is None for request in own) >= 2 * len(signature.inputs)
