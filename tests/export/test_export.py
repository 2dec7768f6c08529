import io
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from export import batching_tuner, saved_model
from export.__main__ import main
from export.check_requests import Case, _pairs, cases
from export.server import warmup
from export.server.config import read_batching, read_models
from export.signatures import signatures
from export.verify import TOLERANCE, VerificationError, _check_answer, _check_operations, verify
from export.warmup_requests import replay_warmup, write_warmup
from tests.support.devices import replicas
from tests.support.random_weights import randomize
from zoo.images import prepare, to_uint8
from zoo.latents import latents_from_seeds
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.presets import load_network, save_bundle
from zoo.tasks import ImageClassifier, ImageGenerator

SHAPE = (8, 8, 3)
NAMES = ["ant", "bee", "cat"]
ROOT = pathlib.Path(__file__).parents[2]


def raw(n=3, shape=SHAPE):
    return np.random.default_rng(1).integers(0, 256, (n, *shape), dtype="uint8")


def encode(image, kind="PNG"):
    buffer = io.BytesIO()
    PIL.Image.fromarray(image.squeeze()).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def classifier():
    features = CLSGANFeatures(SHAPE, filters=2, dtype="mixed_bfloat16")
    return randomize(ImageClassifier(features, 3, class_names=NAMES, extra_class=True, dropout=0.5))


@pytest.fixture(scope="module")
def generator():
    return randomize(
        ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4, num_classes=3))
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory, classifier, generator):
    folder = tmp_path_factory.mktemp("runs") / "clsgan-digits"
    parts = {"generator": generator, "critic": DCGANCritic(SHAPE, filters=2)}
    save_bundle(folder / "preset", root=classifier, parts=parts)
    return folder


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """What `python -m export` writes and prints; its own checks included."""
    directory = tmp_path_factory.mktemp("served")
    done = subprocess.run(
        [sys.executable, "-m", "export", run, directory, "--name", "digits"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return directory, done.stdout


@pytest.fixture(scope="module")
def served(exported):
    load = tf.saved_model.load
    return {
        name: load(str(exported[0] / name / "1")).signatures for name in os.listdir(exported[0])
    }


@pytest.fixture
def unchecked(monkeypatch):
    """Exports without the self-check's process."""
    monkeypatch.setattr(saved_model, "verify", lambda folder, task: None)


# What is published


def test_a_run_becomes_two_served_models(exported):
    directory, printed = exported
    assert sorted(os.listdir(directory)) == ["digits", "digits_generator"]
    for name in os.listdir(directory):
        assert os.listdir(directory / name) == ["1"]
        assert {"saved_model.pb", "variables"} <= set(os.listdir(directory / name / "1"))
        assert str(directory / name / "1") in printed
    for line in (
        "in  images        uint8    [B, 8, 8, 3]",
        "out probabilities float32  [B, 3]",
        "in  seed          int64    [B]",
        "MB)",
    ):
        assert line in printed


def test_the_border_is_fixed(served):
    def border(model):
        return {
            name: (
                {
                    k: (v.dtype.name, v.shape.as_list())
                    for k, v in f.structured_input_signature[1].items()
                },
                {k: (v.dtype.name, v.shape.as_list()) for k, v in f.structured_outputs.items()},
            )
            for name, f in served[model].items()
        }

    images, text = ("uint8", [None, 8, 8, 3]), ("string", [None])
    prediction = {
        "probabilities": ("float32", [None, 3]),
        "class_id": ("int64", [None]),
        "class_name": text,
    }
    assert border("digits") == {
        "serving_default": ({"images": images}, prediction),
        "image_bytes": ({"image_bytes": text}, prediction),
        "classify": (
            {"inputs": text},
            {"classes": ("string", [None, 3]), "scores": ("float32", [None, 3])},
        ),
        "score": (
            {"images": images},
            {"losses": ("float32", [None, 3]), "real_score": ("float32", [None])},
        ),
    }
    label, seed = ("int64", [None]), ("int64", [None])
    floats = ("float32", [None, 8, 8, 3])
    assert border("digits_generator") == {
        "serving_default": (
            {"latent": ("float32", [None, 5]), "label": label},
            {"images": floats},
        ),
        "generate": ({"seed": seed, "label": label}, {"images": images}),
        "generate_truncated": (
            {"seed": seed, "label": label, "truncation": ("float32", [None])},
            {"images": images},
        ),
        "interpolate": (
            {
                "seed": seed,
                "label": label,
                "end_seed": ("int64", [None]),
                "fraction": ("float32", [None]),
            },
            {"images": images},
        ),
        "generate_png": ({"seed": seed, "label": label}, {"image_bytes": text}),
    }


# What is served


def test_classifier_answers_as_the_model_does(served, classifier):
    answer = served["digits"]["serving_default"](images=raw())
    np.testing.assert_allclose(answer["probabilities"], classifier.predict(raw()), atol=1e-5)
    np.testing.assert_array_equal(answer["class_id"], classifier.predict(raw()).argmax(-1))
    assert [name.decode() for name in answer["class_name"].numpy()] == classifier.classify(raw())
    scores = served["digits"]["score"](images=raw())
    losses = classifier.losses_per_class(raw()).numpy()
    np.testing.assert_allclose(scores["losses"], losses, atol=1e-5)
    np.testing.assert_allclose(scores["real_score"], -losses.min(-1), atol=1e-5)
    assert np.ptp(losses) > 0.1


def test_encoded_images_of_any_size(served, classifier):
    pictures = [raw(1, (8, 8, 3))[0], raw(1, (21, 13, 3))[0], raw(1, (9, 30, 1))[0]]
    encoded = tf.constant([encode(picture) for picture in pictures])
    answer = served["digits"]["image_bytes"](image_bytes=encoded)
    np.testing.assert_allclose(answer["probabilities"], classifier.predict(pictures), atol=1e-5)
    smooth = np.indices((16, 16)).transpose(1, 2, 0).repeat(2, -1)[..., :3].astype("uint8") * 9
    jpeg = served["digits"]["image_bytes"](image_bytes=[encode(smooth, "JPEG")])
    np.testing.assert_allclose(jpeg["probabilities"], classifier.predict([smooth]), atol=0.05)


def test_classify_takes_examples(served, classifier):
    def example(content):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
        return tf.train.Example(
            features=tf.train.Features(feature={"image": feature})
        ).SerializeToString()

    inputs = tf.constant([example(encode(image)) for image in raw()])
    answer = served["digits"]["classify"](inputs=inputs)
    np.testing.assert_allclose(answer["scores"], classifier.predict(raw()), atol=1e-5)
    assert answer["classes"].numpy().tolist() == [[b"ant", b"bee", b"cat"]] * 3


def test_generator_makes_the_seeds_images(served, generator):
    label, seed = np.array([0, 1, 2]), np.array([40, 41, 42])
    expected = generator.generate(3, seed=40).astype(int)
    model = served["digits_generator"]
    images = model["generate"](seed=seed, label=label)["images"].numpy()
    assert images.dtype == np.uint8 and np.abs(images - expected).max() <= 1
    backwards = model["generate"](seed=seed[::-1].copy(), label=label[::-1].copy())["images"]
    assert np.abs(backwards.numpy()[::-1] - expected).max() <= 1
    png = model["generate_png"](seed=seed, label=label)["image_bytes"].numpy()
    decoded = np.stack([np.asarray(PIL.Image.open(io.BytesIO(content))) for content in png])
    np.testing.assert_array_equal(decoded, images)
    latent = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    floats = model["serving_default"](latent=latent, label=label)["images"]
    np.testing.assert_allclose(floats, generator.images_from_latents(latent, label), atol=1e-5)


def test_the_critic_scores(run, tmp_path, unchecked):
    paths = saved_model.save_preset(run, tmp_path, name="m", critic=True)
    assert [path.parent.name for path in paths] == ["m", "m_generator", "m_critic"]
    critic = load_network(run / "preset" / "critic")
    verify(paths[-1], critic)
    loaded = tf.saved_model.load(str(paths[-1])).signatures
    given = loaded["serving_default"](images=raw())["score"]
    expected = np.ravel(critic(prepare(raw(), SHAPE), training=False))
    np.testing.assert_allclose(given, expected, atol=1e-5)
    kinds = {log.WhichOneof("log_type") for log in warmup.read(paths[-1])}
    assert kinds == {"predict_log", "regress_log"}
    with pytest.raises(ValueError, match="has no critic"):
        saved_model.save_preset(run / "preset" / "generator", tmp_path, critic=True)


def test_truncation_and_interpolation(served, generator):
    label, seed = np.array([0, 1]), np.array([40, 41])
    model = served["digits_generator"]

    def ask(signature, **inputs):
        constants = {k: tf.constant(v) for k, v in {"seed": seed, "label": label, **inputs}.items()}
        return model[signature](**constants)["images"].numpy().astype(int)

    plain = ask("generate")
    assert np.abs(ask("generate_truncated", truncation=np.float32([1, 1])) - plain).max() <= 1
    half = generator.generate(2, seed=40, truncation=0.5).astype(int)
    assert np.abs(ask("generate_truncated", truncation=np.float32([0.5, 0.5])) - half).max() <= 1
    assert np.abs(plain - half).max() > 1

    def between(*fraction):
        return ask("interpolate", end_seed=seed[::-1].copy(), fraction=np.float32(fraction))

    assert np.abs(between(0, 0) - plain).max() <= 1
    there = ask("generate", seed=seed[::-1].copy())
    assert np.abs(between(1, 1) - there).max() <= 1
    a, b = (latents_from_seeds(tf.constant([s]), 5).numpy() for s in (40, 41))
    angle = np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
    middle = (a + b) * np.sin(angle / 2) / np.sin(angle)
    expected = generator.images_from_latents(middle, label[:1])
    assert np.abs(between(0.5, 0)[0] - to_uint8(expected)[0].numpy().astype(int)).max() <= 1
    for signature, name in (("generate_truncated", "truncation"), ("interpolate", "fraction")):
        for outside in (-0.1, 1.1):
            inputs = {name: np.float32([outside, 0.5])}
            if signature == "interpolate":
                inputs["end_seed"] = seed
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be in"):
                ask(signature, **inputs)


# What lies beside it


def test_warmup_requests_cover_every_signature(served, exported):
    for name, batches in (("digits", 4), ("digits_generator", 4)):
        folder = exported[0] / name / "1"
        logs = warmup.read(folder)
        asked = {}
        for log in logs:
            request = getattr(log, log.WhichOneof("log_type")).request
            assert request.model_spec.name == name
            signature = request.model_spec.signature_name
            asked[signature] = asked.get(signature, 0) + 1
        assert asked == dict.fromkeys(served[name], batches)
        assert replay_warmup(folder) == len(logs)


def test_a_failing_warmup_is_seen(exported, tmp_path, generator):
    shutil.copytree(exported[0] / "digits_generator" / "1", tmp_path / "1")
    case = Case("generate", {"seed": np.array([1]), "label": np.array([3])}, _pairs({}))
    write_warmup(tmp_path / "1", "g", [case])
    with pytest.raises(VerificationError, match="warmup requests fail: .*label must be in 0..2"):
        verify(tmp_path / "1", generator)


def test_the_card_says_how_to_ask(exported):
    for name, signature in (("digits", "image_bytes"), ("digits_generator", "generate_png")):
        extra = exported[0] / name / "1" / "assets.extra"
        (model,) = read_models((extra / "models.config").read_text()).values()
        assert (model.name, model.base_path) == (name, exported[0] / name)
        text = (extra / "README.md").read_text()
        assert tf.__version__ in text and f':predict -d \'{{"signature_name": "{signature}' in text
        assert "MatMul" in text
    assert f"TensorFlow {tf.__version__}, operations: " in exported[1]


@pytest.mark.slow
def test_the_preset_card_and_measured_batching_go_along(
    run, tmp_path, unchecked, monkeypatch, capsys
):
    monkeypatch.setattr(batching_tuner, "_SECONDS", 0.02)
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "preset" / "README.md").write_text("# Ants and bees")
    out = str(tmp_path / "out")
    assert main([str(tmp_path / "run"), out, "--name", "m", "--measure-batching"]) == 0
    assert "max_batch_size" in capsys.readouterr().out
    for name in ("m", "m_generator"):
        version = tmp_path / "out" / name / "1"
        assert (version / "assets.extra" / "MODEL_CARD.md").read_text() == "# Ants and bees"
        assert read_batching((version / "batching_params.pbtxt").read_text()).allowed_sizes
    assert main([str(tmp_path / "run" / "preset" / "generator"), out, "--name", "m"]) == 0
    plain = tmp_path / "out" / "m" / "2"
    assert not (plain / "batching_params.pbtxt").exists()
    assert not (plain / "assets.extra" / "MODEL_CARD.md").exists()


@pytest.mark.parametrize(
    ("model", "signature", "inputs"),
    [
        ("digits", "serving_default", {"images": raw(2, (9, 8, 3))}),
        ("digits", "serving_default", {"images": raw(1)[0]}),
        ("digits", "score", {"images": raw(2, (8, 8, 1))}),
        ("digits", "image_bytes", {"image_bytes": np.array([b"no image"])}),
        ("digits", "classify", {"inputs": np.array([b"no example"])}),
        ("digits", "classify", {"inputs": np.array([b""])}),
        ("digits_generator", "generate", {"seed": np.array([1]), "label": np.array([3])}),
        ("digits_generator", "generate", {"seed": np.array([1]), "label": np.array([-1])}),
        ("digits_generator", "generate_png", {"seed": np.array([1, 2]), "label": np.array([0])}),
        (
            "digits_generator",
            "serving_default",
            {"latent": np.zeros((1, 6), "float32"), "label": np.array([0])},
        ),
    ],
)
def test_nonsense_is_refused(served, model, signature, inputs):
    with pytest.raises(tf.errors.InvalidArgumentError):
        served[model][signature](**{name: tf.constant(value) for name, value in inputs.items()})


def test_a_session_refuses_other_shapes_too(exported):
    """TF Serving feeds tensors as they come, past the placeholder's shape."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.loader.load(
            session, ["serve"], str(exported[0] / "digits" / "1")
        )
        signature = meta.signature_def["serving_default"]
        call = session._make_callable_from_options(
            config_pb2.CallableOptions(
                feed=[signature.inputs["images"].name],
                fetch=[signature.outputs["probabilities"].name],
            )
        )
        assert call(raw(2))[0].shape == (2, 3)
        for wrong in (raw(2, (16, 16, 3)), raw(1)[0], raw(2)[..., None]):
            with pytest.raises(tf.errors.InvalidArgumentError):
                call(wrong)


# Versions and failures


def test_versions_count_up(tmp_path, generator, unchecked):
    (tmp_path / "g" / "7").mkdir(parents=True)
    assert saved_model.save(generator, tmp_path, name="g") == tmp_path / "g" / "8"
    assert saved_model.save(generator, tmp_path, name="g") == tmp_path / "g" / "9"
    assert os.listdir(tmp_path) == ["g"]


def test_a_model_from_a_strategy_is_exported_whole(tmp_path, unchecked):
    with replicas(2).scope():
        task = randomize(ImageGenerator(DCGANGenerator(SHAPE, latent_dim=5, base_filters=4)))
    loaded = tf.saved_model.load(str(saved_model.save(task, tmp_path, name="g")))
    assert {"serving_default", "generate", "generate_png"} < set(loaded.signatures)
    images = loaded.signatures["generate"](seed=tf.constant([3, 4], tf.int64))["images"]
    assert np.abs(images.numpy().astype(int) - task.generate(2, seed=3)).max() <= 1


def test_odd_channels_have_no_encoded_signatures():
    generator = ImageGenerator(DCGANGenerator((8, 8, 5), latent_dim=2, base_filters=2))
    assert "generate" in signatures(generator) and "generate_png" not in signatures(generator)
    classifier = ImageClassifier(CLSGANFeatures((8, 8, 5), filters=2), 2)
    assert set(signatures(classifier)) == {"serving_default", "score"}
    assert {case.signature for case in cases(classifier, signatures(classifier))} == {
        "serving_default",
        "score",
    }


def test_a_failing_check_publishes_nothing(run, tmp_path, monkeypatch, capsys):
    def fail_at_the_second(folder, task):
        if isinstance(task, ImageGenerator):
            raise VerificationError("images differ")

    monkeypatch.setattr(saved_model, "verify", fail_at_the_second)
    (tmp_path / "clsgan-digits" / "3").mkdir(parents=True)
    assert main([str(run), str(tmp_path)]) == 1
    assert "nothing was published: images differ" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["clsgan-digits"]
    assert os.listdir(tmp_path / "clsgan-digits") == ["3"]


def test_a_crash_while_writing_leaves_no_trace(tmp_path, generator, monkeypatch):
    def crash(artefact, folder, signatures):
        os.makedirs(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(tf.saved_model, "save", crash)
    with pytest.raises(KeyboardInterrupt):
        saved_model.save(generator, tmp_path, name="g")
    assert os.listdir(tmp_path) == []


def test_names_default_to_the_run_or_preset(run, tmp_path, unchecked):
    names = [path.parent.name for path in saved_model.save_preset(run, tmp_path)]
    assert names == ["clsgan-digits", "clsgan-digits_generator"]
    (path,) = saved_model.save_preset(run / "preset" / "generator", tmp_path)
    assert path.parent.name == "generator"


def test_mistakes_exit_with_2(run, tmp_path, capsys):
    unfinished = tmp_path / "unfinished"
    (unfinished / "checkpoints").mkdir(parents=True)
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "models" / "m" / "notes").mkdir(parents=True)
    for arguments, message in (
        ([tmp_path, tmp_path / "out"], "has no config.json"),
        ([tmp_path / "nowhere", tmp_path / "out"], "no such folder"),
        ([unfinished, tmp_path / "out"], "is not finished"),
        ([run / "preset" / "critic", tmp_path / "out"], "zoo.load_network"),
        ([run, file], "is a file"),
        ([run, file / "out"], "Not a directory"),
        ([run, tmp_path, "--name", "file"], "is a file"),
        ([run, tmp_path / "out", "--name", "../up"], "part of its URL"),
        ([run, tmp_path / "models", "--name", "m"], "notes"),
    ):
        assert main([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        assert message in captured.err and captured.out == ""
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match="2"):
        main([])


# The check itself


def test_the_check_sees_other_weights(exported, generator):
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
def test_the_check_compares(expected, answer, message):
    case = Case("s", {"x": np.zeros(2)}, expected and _pairs(expected))
    with pytest.raises(VerificationError, match=message):
        _check_answer(case, answer, TOLERANCE)


def test_the_check_lets_rounding_pass():
    near = {"f": np.array([1.000001], "float32"), "u": np.array([4], "uint8")}
    exact = {"f": np.array([1.0], "float32"), "u": np.array([5], "uint8")}
    _check_answer(Case("s", {}, _pairs(exact)), near, TOLERANCE)
    _check_answer(Case("s", {}, None), "InvalidArgumentError: refused", TOLERANCE)


@pytest.mark.parametrize("kind", ["python", "xla"])
def test_the_check_finds_what_servers_lack(tmp_path, kind):
    def python(x):
        return {"y": tf.ensure_shape(tf.py_function(lambda v: v, [x], tf.float32), [None])}

    def xla(x):
        return {"y": tf.function(lambda v: v + 1.0, jit_compile=True)(x)}

    function = tf.function(python if kind == "python" else xla, autograph=False)
    spec = tf.TensorSpec([None], tf.float32, name="x")
    traced = {"serving_default": function.get_concrete_function(spec)}
    tf.saved_model.save(tf.Module(), str(tmp_path), signatures=traced)
    with pytest.raises(VerificationError, match="Python" if kind == "python" else "XLA"):
        _check_operations(tmp_path)


def test_every_signature_is_asked_in_four_batches_and_misused(classifier, generator):
    for task in (classifier, generator):
        declared = signatures(task)
        asked = cases(task, declared)
        for name, signature in declared.items():
            own = [case for case in asked if case.signature == name]
            sizes = {len(next(iter(c.inputs.values()))) for c in own if c.compare}
            assert sizes == {1, 2, 3, 32}
            assert sum(case.compare is None for case in own) >= 2 * len(signature.inputs)
