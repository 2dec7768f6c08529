"""Signatures of exported models: their interfaces and their answers."""

import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from export import saved_model
from export.check_requests import check_requests
from export.server import warmup
from export.signatures import signatures
from export.verify import (
    verify,
)
from tests.export.conftest import SHAPE, encode, raw
from zoo.images import prepare, to_uint8
from zoo.latents import latents_from_seeds
from zoo.networks import CLSGANFeatures, DCGANGenerator
from zoo.presets import load_network
from zoo.tasks import ImageClassifier, ImageGenerator


def test_names_dtypes_and_shapes_of_all_signatures(served):
    def interface(model):
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
    assert interface("digits") == {
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
    assert interface("digits_generator") == {
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


def test_the_classifier_answers_like_its_model(served, classifier):
    answer = served["digits"]["serving_default"](images=raw())
    assert classifier.temperature == 2.5
    np.testing.assert_allclose(answer["probabilities"], classifier.predict(raw()), atol=1e-6)
    np.testing.assert_array_equal(answer["class_id"], classifier.predict(raw()).argmax(-1))
    assert [name.decode() for name in answer["class_name"].numpy()] == classifier.classify(raw())
    scores = served["digits"]["score"](images=raw())
    losses = classifier.losses_per_class(raw()).numpy()
    np.testing.assert_allclose(scores["losses"], losses, atol=1e-5)
    np.testing.assert_allclose(scores["real_score"], -losses.min(-1), atol=1e-5)
    assert np.ptp(losses) > 0.1


def test_image_files_of_any_size_are_classified(served, classifier):
    pictures = [raw(1, (8, 8, 3))[0], raw(1, (21, 13, 3))[0], raw(1, (9, 30, 1))[0]]
    encoded = tf.constant([encode(picture) for picture in pictures])
    answer = served["digits"]["image_bytes"](image_bytes=encoded)
    np.testing.assert_allclose(answer["probabilities"], classifier.predict(pictures), atol=1e-5)
    smooth = np.indices((16, 16)).transpose(1, 2, 0).repeat(2, -1)[..., :3].astype("uint8") * 9
    jpeg = served["digits"]["image_bytes"](image_bytes=[encode(smooth, "JPEG")])
    np.testing.assert_allclose(jpeg["probabilities"], classifier.predict([smooth]), atol=0.05)


def test_classify_takes_tf_examples(served, classifier):
    def example(content):
        feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
        return tf.train.Example(
            features=tf.train.Features(feature={"image": feature})
        ).SerializeToString()

    inputs = tf.constant([example(encode(image)) for image in raw()])
    answer = served["digits"]["classify"](inputs=inputs)
    np.testing.assert_allclose(answer["scores"], classifier.predict(raw()), atol=1e-5)
    assert answer["classes"].numpy().tolist() == [[b"ant", b"bee", b"cat"]] * 3


def test_the_generator_generates_the_images_of_seeds(served, generator):
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


def test_the_critic_is_exported_with_its_scores(run, tmp_path, unchecked):
    paths = saved_model.save_preset(run, tmp_path, name="m", critic=True)
    assert [path.parent.name for path in paths] == ["m", "m_generator", "m_critic"]
    critic = load_network(run / "preset" / "critic")
    verify(paths[-1], critic)
    loaded = tf.saved_model.load(str(paths[-1])).signatures
    scores = loaded["serving_default"](images=raw())["score"]
    expected = np.ravel(critic(prepare(raw(), SHAPE), training=False))
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    kinds = {log.WhichOneof("log_type") for log in warmup.read(paths[-1])}
    assert kinds == {"predict_log", "regress_log"}
    with pytest.raises(ValueError, match="has no critic"):
        saved_model.save_preset(run / "preset" / "generator", tmp_path, critic=True)


def test_truncation_and_interpolation(served, generator):
    label, seed = np.array([0, 1]), np.array([40, 41])
    model = served["digits_generator"]

    def generate(signature, **inputs):
        constants = {k: tf.constant(v) for k, v in {"seed": seed, "label": label, **inputs}.items()}
        return model[signature](**constants)["images"].numpy().astype(int)

    plain = generate("generate")
    assert np.abs(generate("generate_truncated", truncation=np.float32([1, 1])) - plain).max() <= 1
    half = generator.generate(2, seed=40, truncation=0.5).astype(int)
    assert (
        np.abs(generate("generate_truncated", truncation=np.float32([0.5, 0.5])) - half).max() <= 1
    )
    assert np.abs(plain - half).max() > 1

    def interpolate(*fraction):
        return generate("interpolate", end_seed=seed[::-1].copy(), fraction=np.float32(fraction))

    assert np.abs(interpolate(0, 0) - plain).max() <= 1
    at_end = generate("generate", seed=seed[::-1].copy())
    assert np.abs(interpolate(1, 1) - at_end).max() <= 1
    a, b = (latents_from_seeds(tf.constant([s]), 5).numpy() for s in (40, 41))
    angle = np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
    middle = (a + b) * np.sin(angle / 2) / np.sin(angle)
    expected = generator.images_from_latents(middle, label[:1])
    assert np.abs(interpolate(0.5, 0)[0] - to_uint8(expected)[0].numpy().astype(int)).max() <= 1
    for signature, name in (("generate_truncated", "truncation"), ("interpolate", "fraction")):
        for outside in (-0.1, 1.1):
            inputs = {name: np.float32([outside, 0.5])}
            if signature == "interpolate":
                inputs["end_seed"] = seed
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be in"):
                generate(signature, **inputs)


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
        ("digits_generator", "generate", {"seed": np.array([-1]), "label": np.array([0])}),
        ("digits_generator", "generate_png", {"seed": np.array([-1]), "label": np.array([0])}),
        (
            "digits_generator",
            "generate_truncated",
            {"seed": [-1], "label": [0], "truncation": np.float32([1])},
        ),
        (
            "digits_generator",
            "interpolate",
            {"seed": [1], "end_seed": [-1], "label": [0], "fraction": np.float32([1])},
        ),
        ("digits_generator", "generate_png", {"seed": np.array([1, 2]), "label": np.array([0])}),
        (
            "digits_generator",
            "serving_default",
            {"latent": np.zeros((1, 6), "float32"), "label": np.array([0])},
        ),
    ],
)
def test_invalid_inputs_are_refused(served, model, signature, inputs):
    with pytest.raises(tf.errors.InvalidArgumentError):
        served[model][signature](
            **{name: tf.constant(np.asarray(value)) for name, value in inputs.items()}
        )


def test_a_negative_seed_is_refused_with_the_reason(served):
    inputs = {"seed": tf.constant([3, -1]), "label": tf.constant([0, 0], tf.int64)}
    inputs["seed"] = tf.cast(inputs["seed"], tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match="seed must be an integer from 0"):
        served["digits_generator"]["generate"](**inputs)


def test_a_session_refuses_other_shapes(exported):
    """TF Serving does not compare the shapes of inputs with the placeholders."""
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


def test_images_of_five_channels_have_no_signatures_for_files():
    generator = ImageGenerator(DCGANGenerator((8, 8, 5), latent_dim=2, base_filters=2))
    assert "generate" in signatures(generator) and "generate_png" not in signatures(generator)
    classifier = ImageClassifier(CLSGANFeatures((8, 8, 5), filters=2), 2)
    assert set(signatures(classifier)) == {"serving_default", "score"}
    assert {case.signature for case in check_requests(classifier, signatures(classifier))} == {
        "serving_default",
        "score",
    }
