import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from export import portable
from export.__main__ import main
from export.labelled_images import LabelledImages
from export.portable import FORMATS, save_portable
from export.portable_network import PortableNetwork
from export.runtimes import LiteRtRuntime, OnnxRuntime
from export.verify import VerificationError
from tests.support.random_weights import randomize
from zoo.errors import UserError
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator, make_features
from zoo.presets import save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

for package in ("onnx", "onnxruntime", "tf2onnx", "ai_edge_litert"):
    pytest.importorskip(package, reason="needs the extra [formats]")

# A warning of Keras' import of tf2onnx.
pytestmark = pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")

SHAPE = (8, 8, 1)


@pytest.fixture(scope="module")
def classifier():
    return randomize(ImageClassifier(CLSGANFeatures(SHAPE, filters=2), 10, temperature=2.5))


@pytest.fixture(scope="module")
def generator():
    network = DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3)
    return randomize(ImageGenerator(network))


@pytest.fixture(scope="module")
def run(tmp_path_factory, classifier, generator):
    folder = tmp_path_factory.mktemp("runs") / "digits"
    parts = {"generator": generator, "critic": randomize(DCGANCritic(SHAPE, filters=2))}
    save_bundle(folder / "preset", root=classifier, parts=parts)
    return folder


def inputs(n):
    random = np.random.default_rng(0)
    return {
        "images": random.integers(0, 256, (n, *SHAPE), dtype="uint8"),
        "latent": random.normal(size=(n, 5)).astype("float32"),
        "label": np.arange(n) % 3,
    }


@pytest.mark.parametrize(
    ("file_format", "runtime"), [("onnx", OnnxRuntime), ("litert", LiteRtRuntime)]
)
def test_a_run_becomes_files(run, tmp_path, capsys, classifier, generator, file_format, runtime):
    labels = np.arange(20) % 10
    np.savez(tmp_path / "test.npz", images=inputs(20)["images"], labels=labels)
    out = tmp_path / "out"
    arguments = [str(run), str(out), "--format", file_format, "--critic"]
    arguments += ["--data", str(tmp_path / "test.npz")]
    assert main(arguments) == 0
    suffix = FORMATS[file_format].suffix
    names = {f"digits{suffix}", f"digits_generator{suffix}", f"digits_critic{suffix}"}
    assert {path.name for path in out.iterdir()} == names
    printed = capsys.readouterr().out
    assert printed.count("difference from the model") == 3
    accuracy = (classifier.predict(inputs(20)["images"]).argmax(-1) == labels).mean()
    assert f"accuracy on the labelled images: {accuracy:.2%}, the model's {accuracy:.2%}" in printed
    arrays = inputs(4)
    answer = runtime(out / f"digits{suffix}").run({"images": arrays["images"]})
    expected = classifier.predict(arrays["images"])
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
    latents = {name: arrays[name] for name in ("latent", "label")}
    answer = runtime(out / f"digits_generator{suffix}").run(latents)
    expected = generator.images_from_latents(latents["latent"], latents["label"])
    np.testing.assert_allclose(answer["images"], expected, atol=1e-4)
    scores = runtime(out / f"digits_critic{suffix}").run({"images": arrays["images"]})
    assert scores["score"].shape == (4,)
    assert main(arguments) == 2
    assert "exists. Remove it" in capsys.readouterr().err


@pytest.mark.parametrize("file_format", list(FORMATS))
def test_residual_features_become_files(tmp_path, file_format):
    """`save_portable` compares the answers of the file with those of the model."""
    model = randomize(
        ImageClassifier(make_features("residual", image_shape=(9, 9, 1), filters=2), 3)
    )
    (exported,) = save_portable({"m": model}, tmp_path, file_format=file_format)
    assert exported.largest < 1e-5 and exported.path.is_file()


@pytest.mark.slow
def test_int8_weights_make_a_smaller_file_with_similar_answers(tmp_path):
    wide = randomize(ImageClassifier(CLSGANFeatures(SHAPE, filters=16), 10))
    (plain,) = save_portable({"m": wide}, tmp_path, file_format="litert")
    labelled = LabelledImages(inputs(40)["images"], np.arange(40) % 10)
    (small,) = save_portable(
        {"m": wide}, tmp_path, file_format="litert", quantize="int8", labelled=labelled
    )
    assert small.path == tmp_path / "m_int8.tflite"
    assert small.path.stat().st_size < 0.5 * plain.path.stat().st_size
    assert plain.largest < 1e-5 < small.largest < 0.2
    assert small.accuracy is not None and 0.0 <= small.accuracy[0] <= 1.0
    expected = (wide.predict(labelled.images).argmax(-1) == labelled.labels).mean()
    assert small.accuracy[1] == pytest.approx(expected)
    assert plain.same_class == 1.0


@keras.saving.register_keras_serializable(package="tests")
class Odd(DCGANCritic):
    """A critic with an operation that neither format has."""

    def score_of(self, features):
        return Bessel(name="bessel")(super().score_of(features))


class Bessel(keras.layers.Layer):
    def call(self, x):
        return tf.math.special.bessel_j0(x)


@pytest.mark.parametrize("file_format", ["onnx", "litert"])
def test_unsupported_layers_are_named(tmp_path, file_format):
    with pytest.raises(UserError, match=r"bessel\S* \(BesselJ0\)"):
        save_portable({"m": Odd(SHAPE, filters=2)}, tmp_path, file_format=file_format)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_differs_from_its_model_is_not_published(tmp_path, generator, monkeypatch):
    class Other(OnnxRuntime):
        def run(self, inputs):
            return {name: value + 1e-3 for name, value in super().run(inputs).items()}

    changed = {"onnx": portable.Format(".onnx", (), Other)}
    monkeypatch.setattr(portable, "FORMATS", changed)
    (tmp_path / "m.onnx.notes").write_text("mine")
    with pytest.raises(VerificationError, match="differs from the model's by 0.001"):
        save_portable({"m": generator}, tmp_path, file_format="onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx.notes"]


def test_a_crash_while_writing_leaves_no_files(tmp_path, generator, monkeypatch):
    def crash(self, path, **options):
        with open(path, "w") as file:
            file.write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(PortableNetwork, "export", crash)
    with pytest.raises(KeyboardInterrupt):
        save_portable({"m": generator}, tmp_path, file_format="litert")
    assert list(tmp_path.iterdir()) == []


def test_mistakes(run, tmp_path, capsys, monkeypatch, classifier):
    out = str(tmp_path / "out")
    for arguments, message in (
        (["--quantize", "int8"], "--quantize needs --format litert"),
        (["--data", "digits.npz"], "--data needs --format onnx"),
        (["--format", "onnx", "--quantize", "int8"], "--quantize needs --format litert"),
        (["--format", "onnx", "--measure-batching"], "--measure-batching needs --format"),
    ):
        assert main([str(run), out, *arguments]) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([str(run), out, "--format", "keras"])
    assert "invalid choice" in capsys.readouterr().err
    half = ImageClassifier(CLSGANFeatures(SHAPE, filters=2, dtype="mixed_bfloat16"), 2)
    with pytest.raises(UserError, match="dtype='float32'"):
        save_portable({"m": half}, out, file_format="onnx")
    with pytest.raises(ValueError, match="part of its URL"):
        save_portable({"../m": classifier}, out, file_format="onnx")
    wrong = LabelledImages(np.zeros((2, 9, 9, 1), "uint8"), np.zeros(2, "int64"))
    with pytest.raises(UserError, match="--data has images of"):
        save_portable({"m": classifier}, out, file_format="onnx", labelled=wrong)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    assert main([str(run), out, "--format", "litert"]) == 2
    assert "pip install 'lipschitz-gan-zoo[formats]'" in capsys.readouterr().err
    assert not any((tmp_path / "out").glob("*"))


def test_labelled_images_that_cannot_be_used(run, tmp_path, capsys):
    out = str(tmp_path / "out")
    images, labels = inputs(2)["images"], np.arange(2)
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "names.npz", x=images, y=labels)
    np.savez(tmp_path / "floats.npz", images=images / 255.0, labels=labels)
    np.savez(tmp_path / "labels.npz", images=images, labels=labels[:1])
    np.savez(tmp_path / "right.npz", images=images, labels=labels)
    command = "python -m training.data digits --split test --out digits.npz"
    for preset, file, message in (
        (run, "digits", command),
        (run, tmp_path / "text.npz", "expected an .npz file"),
        (run, tmp_path / "names.npz", "expected an .npz file"),
        (run, tmp_path / "floats.npz", "`images` must be uint8"),
        (run, tmp_path / "labels.npz", "`labels` must be integers [2]"),
        (run / "preset" / "generator", tmp_path / "right.npz", "--data needs a classifier"),
    ):
        assert main([str(preset), out, "--format", "onnx", "--data", str(file)]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
