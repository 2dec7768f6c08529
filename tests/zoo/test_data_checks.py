"""Data handed to `fit`: wrong data end in one sentence, and change no weight."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.cases import SHAPE, weights
from tests.support.devices import replicas
from zoo.models import (
    ConditionalLossSensitive,
    ConditionalLossSensitiveGAN,
    HingeGAN,
    LipschitzGAN,
)
from zoo.networks import CLSGANFeatures, MLPCritic, MLPGenerator, ProjectionCritic
from zoo.options import StepOptions
from zoo.penalties import make_penalty
from zoo.tasks import ImageClassifier

PIXELS = np.random.default_rng(0).integers(0, 256, (12, *SHAPE)).astype("uint8")
LABELS = np.arange(12) % 3


def hinge(*, classes=0, count=1):
    keras.utils.set_random_seed(0)
    with replicas(count).scope():
        critic = MLPCritic(SHAPE, units=4, depth=1)
        model = HingeGAN(
            MLPGenerator(SHAPE, latent_dim=3, units=4, depth=1, num_classes=classes),
            ProjectionCritic(critic, classes) if classes else critic,
        )
        model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return model


def cls_gan(**options):
    keras.utils.set_random_seed(0)
    generator = MLPGenerator(SHAPE, latent_dim=3, units=4, depth=1, num_classes=3)
    critic = ImageClassifier(CLSGANFeatures(SHAPE, filters=4, normalization="none"), 3)
    model = ConditionalLossSensitiveGAN(generator, critic, **options)
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return model


def fit(model, *data, batch_size=4):
    model.fit(*data, batch_size=batch_size, shuffle=False, verbose=0)


def as_dataset(*data):
    return tf.data.Dataset.from_tensor_slices(data if len(data) > 1 else data[0]).batch(4)


def refused(model, message, *data):
    """Both arrays and a data set are refused with one line, and no weight changes."""
    before = weights(model)
    for given in (data, (as_dataset(*data),)):
        with pytest.raises(ValueError, match=message) as caught:
            model.fit(
                *given, shuffle=False, verbose=0, **({"batch_size": 4} if given is data else {})
            )
        assert "\n" not in str(caught.value)
    after = weights(model)
    for left, right in zip(before[2:], after[2:], strict=True):  # After the step and the guard.
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (PIXELS.astype("float32"), r"in \[-1, 1\], received values from 0 to 25"),
        (PIXELS.astype("float64") - 128, r"in \[-1, 1\], received values from -128"),
        (PIXELS / np.float32(64) - 2, r"in \[-1, 1\]"),
        (np.full((12, *SHAPE), np.inf, "float32"), r"in \[-1, 1\]"),
        (PIXELS.astype("int64"), "Images of int64 have no known range. Give uint8"),
        (PIXELS.astype("uint16"), "Images of uint16"),
        (PIXELS > 9, "Images of bool"),
        (PIXELS.repeat(3, axis=-1), r"shape \(8, 8, 1\), received \(8, 8, 3\)"),
        (PIXELS[:, :4], r"shape \(8, 8, 1\), received \(4, 8, 1\)"),
        (np.moveaxis(PIXELS, -1, 1), r"received \(1, 8, 8\). Move the channels .*moveaxis"),
        (PIXELS[..., 0], r"received \(8, 8\)"),
    ],
)
def test_images_that_cannot_be_are_refused(images, message):
    refused(hinge(), message, images)


def test_two_replicas_refuse_images_that_cannot_be():
    refused(hinge(count=2), "received values from 0 to 25", PIXELS.astype("float32"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS + 1, r"`labels` must be in 0..2, received 1 to 3"),
        (LABELS - 1, r"`labels` must be in 0..2, received -1 to"),
        (LABELS * 1000, r"`labels` must be in 0..2"),
        (LABELS.astype("float32"), "one integer per image, received float32"),
        (LABELS[:, None], r"shape \(.*1\). Use `labels.ravel\(\)`"),
        (np.eye(3)[LABELS], "argmax"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, message):
    refused(hinge(classes=3), message, PIXELS, labels)


def test_a_conditional_model_needs_labels():
    refused(hinge(classes=3), "conditional and needs the class", PIXELS)
    refused(cls_gan(semi_supervised=False), "conditional and needs the class", PIXELS)


def test_streams_that_are_missing_are_named():
    with pytest.raises(
        ValueError, match="no stream 'unlabelled' .* received 'labelled': {'images'"
    ):
        fit(cls_gan(), PIXELS, LABELS)
    with pytest.raises(ValueError, match="no stream 'real' .* received 'image': {}"):
        fit(hinge(), {"image": PIXELS})
    with pytest.raises(ValueError, match="no sample weights"):
        hinge().fit(PIXELS, LABELS, sample_weight=np.ones(12), verbose=0)


def test_images_from_0_to_1_are_trained_on_with_a_warning():
    with pytest.warns(UserWarning, match=r"in \[0, 1\].*2 \* images - 1"):
        fit(hinge(), PIXELS / np.float32(255))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(hinge(), PIXELS)
        fit(hinge(), PIXELS / np.float32(127.5) - 1)
        fit(hinge(), PIXELS / np.float16(110) - np.float16(1.2))  # Filters overshoot a little.


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("value", "cause"), [(7.0, r"received values from -0.9\d* to 7\."), (np.nan, "values like NaN")]
)
def test_bad_images_of_a_later_batch_skip_their_step_and_are_named(count, value, cause):
    images = PIXELS / np.float32(127.5) - 1
    images[5:7] = value
    model = hinge(count=count)
    with pytest.warns(UserWarning, match=f"batch 2 was skipped, .* wrong: .*{cause}") as caught:
        model.fit(images, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert sum("skipped" in str(one.message) for one in caught) == 2  # One per epoch.
    assert int(keras.ops.convert_to_numpy(model.guard)[0]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fit(model, images[:4])


def test_bad_labels_of_a_later_batch_are_named():
    labels = LABELS.copy()
    labels[9] = 3
    with pytest.warns(UserWarning, match="batch 3 was skipped.* in 0..2, received . to 3"):
        fit(hinge(classes=3), PIXELS, labels)


@pytest.mark.parametrize("jit", [False, True])
def test_images_that_are_not_numbers_are_refused(jit):
    images = PIXELS / np.float32(127.5) - 1
    images[2, 3, 4] = np.nan
    model = hinge()
    model.jit_compile = jit
    with pytest.raises(ValueError, match="received values like NaN"):
        fit(model, images)


def test_uint8_and_float_images_train_the_same():
    results = []
    for images in (PIXELS, PIXELS.astype("float32") / 127.5 - 1.0):
        model = hinge()
        fit(model, images)
        results.append(weights(model))
    for left, right in zip(*results, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("by_average", [pytest.param(False, marks=pytest.mark.slow), True])
def test_labels_of_the_unlabelled_stream_change_nothing(by_average):
    """Whatever they are: classes, -1 for unknown, or none."""
    results = []
    for labels in (None, LABELS, LABELS[::-1].copy(), np.full(12, -1)):
        model = cls_gan(
            objective=ConditionalLossSensitive(classes_by_average=by_average),
            step=StepOptions(ema=0.9),
        )
        unlabelled = {"images": PIXELS[::-1].copy()}
        unlabelled |= {} if labels is None else {"labels": labels}
        fit(model, {"labelled": {"images": PIXELS, "labels": LABELS}, "unlabelled": unlabelled})
        results.append(weights(model))
    for other in results[1:]:
        for left, right in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(left, right)


def lgan(buffer, mode="replace", **step):
    critic = MLPCritic(SHAPE, units=4, depth=1)
    penalty = make_penalty("max_gp", {"buffer": buffer, "buffer_mode": mode})
    generator = MLPGenerator(SHAPE, latent_dim=3, units=4, depth=1)
    model = LipschitzGAN(generator, critic, penalty=penalty, step=StepOptions(**step))
    model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
    return model


def test_a_buffer_that_replaces_the_whole_batch_is_refused():
    for buffer, step in ((4, {}), (9, {}), (2, {"critic_steps": 2})):
        with pytest.raises(
            ValueError, match=f"buffer of {buffer} points .* `buffer_mode` 'append'"
        ):
            fit(lgan(buffer, **step), PIXELS)
    with pytest.raises(ValueError, match="all 4 points"):
        lgan(4).fit(as_dataset(PIXELS), shuffle=False, verbose=0)
    fit(lgan(9, "append"), PIXELS)
    model = lgan(3)
    fit(model, PIXELS[:10])  # A smaller last batch is allowed.
    assert np.all(model.penalty.kept_norms.numpy()[:2] > 0)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -0.1])
def test_learning_rates_that_cannot_be(rate):
    for place, name in enumerate(("generator_optimizer", "critic_optimizer")):
        rates = [0.1, 0.1]
        rates[place] = rate
        with pytest.raises(ValueError, match=f"`{name}.learning_rate` must be a number, at least"):
            hinge().compile(*(keras.optimizers.SGD(one) for one in rates))
