"""Signatures of a built-in preset in OpenVINO, the engine of OpenVINO Model Server.

OpenVINO reads the signature `serving_default` of a SavedModel. The other signatures are read from
a copy in which each is the default one. `Core.read_model` sends no usage data.
"""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export.saved_model import save_preset

openvino = pytest.importorskip("openvino", reason="needs the extra [formats]")

PRESET = "clsgan_digits_100"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folders of the classifier and of its generator, by kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.saved_model.verify", lambda folder, task: None)
        directory = tmp_path_factory.mktemp("openvino")
        classifier, generator = save_preset(PRESET, directory)
    return {"classifier": classifier, "generator": generator}


def read(folder, signature, target):
    """Reads one signature with OpenVINO."""
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "saved_model.pb").read_bytes())
    signatures = model.meta_graphs[0].signature_def
    chosen = saved_model_pb2.SavedModel.FromString(model.SerializeToString())
    chosen.meta_graphs[0].signature_def.clear()
    chosen.meta_graphs[0].signature_def["serving_default"].CopyFrom(signatures[signature])
    shutil.copytree(folder / "variables", target / "variables")
    (target / "saved_model.pb").write_bytes(chosen.SerializeToString())
    return openvino.Core().read_model(target)


def inputs(kind, shape):
    rng = np.random.default_rng(0)
    if kind == "classifier":
        return {"images": rng.integers(0, 256, (3, *shape["images"][1:]), dtype=np.uint8)}
    latent = rng.standard_normal((3, shape["latent"][1])).astype("float32")
    return {"latent": latent, "label": np.array([0, 7, 9])}


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("classifier", "serving_default"),
        ("classifier", "score"),
        ("generator", "serving_default"),
    ],
)
def test_the_outputs_agree_with_tensorflow(served, kind, signature, tmp_path):
    function = tf.saved_model.load(os.fspath(served[kind])).signatures[signature]
    specs = function.structured_input_signature[1]
    given = inputs(kind, {name: spec.shape for name, spec in specs.items()})
    expected = function(**{name: tf.constant(value) for name, value in given.items()})
    model = read(served[kind], signature, tmp_path)
    # Without this setting, a CPU with bfloat16 instructions would compute in bfloat16.
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    found = compiled(given)
    outputs = {output.get_any_name(): found[output] for output in compiled.outputs}
    assert outputs.keys() == expected.keys()
    for name, value in outputs.items():
        if name == "class_name":
            assert list(value) == [text.decode() for text in expected[name].numpy()]
        else:
            np.testing.assert_allclose(value, expected[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "signature", "operation"),
    [
        ("classifier", "image_bytes", "DecodeRaw"),
        ("generator", "generate", "StatelessRandomNormalV2"),
        ("generator", "generate_png", "EncodePng"),
        ("generator", "generate_truncated", "StatelessRandomNormalV2"),
        ("generator", "interpolate", "StatelessRandomNormalV2"),
    ],
)
def test_operations_that_openvino_does_not_have(served, kind, signature, operation, tmp_path):
    """The page lists these signatures; `classify` ends the process of OpenVINO 2026.4.1."""
    with pytest.raises(RuntimeError, match=operation):
        read(served[kind], signature, tmp_path)
