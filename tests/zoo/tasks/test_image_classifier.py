"""The image classifier: logits, probabilities, losses, fitting and refused arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from tests.support.random_weights import randomize
from tests.support.small_tasks import SHAPE, make_classifier, raw
from zoo import images
from zoo.models.class_losses import class_losses
from zoo.networks import CLSGANFeatures
from zoo.tasks import ImageClassifier


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_logits_are_pooled_features_times_the_head(pooling):
    model = make_classifier(pooling=pooling)
    floats = images.to_float(raw())
    features = model.network(floats).numpy()
    pooled = features.mean((1, 2)) if pooling == "avg" else features.max((1, 2))
    kernel, bias = model.predictions.get_weights()
    np.testing.assert_allclose(model(floats), pooled @ kernel + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(model(raw()), model(floats))


def test_predict_is_the_softmax_of_the_logits(classifier):
    probabilities = classifier.predict(raw())
    expected = keras.ops.softmax(classifier(images.to_float(raw())))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(classifier.predict(raw(), batch_size=2), expected, atol=1e-6)
    assert probabilities.dtype == np.float32
    assert np.ptp(probabilities, axis=0).max() > 0.01


def test_predict_takes_images_of_any_size(classifier):
    mixed = [
        raw(1, shape, seed=i)[0] for i, shape in enumerate([(8, 8, 3), (13, 9, 3), (20, 31, 1)])
    ]
    together = classifier.predict(mixed)
    for image, row in zip(mixed, together, strict=True):
        np.testing.assert_allclose(classifier.predict(image[None])[0], row, atol=1e-6)
    prepared = images.prepare(mixed[1][None], SHAPE)
    np.testing.assert_allclose(classifier.probabilities(prepared)[0], together[1], atol=1e-6)
    larger = raw(5, (11, 11, 3))
    np.testing.assert_allclose(
        classifier.predict(larger, batch_size=2), classifier.predict(list(larger)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (raw()[0], "add the batch axis"),
        (raw().astype("float32") / 255, "uint8"),
        ([raw()[0] / 255.0], "uint8"),
        (raw().astype("int64"), "uint8"),
        (raw(0), "empty"),
        ([], "empty"),
        ([raw()], r"\[height, width, channels\]"),
        (raw()[..., 0, 0], r"\[N, height, width, channels\]"),
        (raw(2, (8, 8, 4)), "alpha"),
    ],
)
def test_predict_refuses_other_inputs_with_the_reason(classifier, given, message):
    with pytest.raises(ValueError, match=message):
        classifier.predict(given)


def test_classify_returns_names():
    model = make_classifier(class_names=["ant", "bee", "cat", "dog"])
    ids = model.predict(raw(8)).argmax(axis=-1)
    assert model.classify(raw(8)) == [model.class_names[i] for i in ids]
    assert make_classifier(num_classes=2).class_names == ("0", "1")


@pytest.mark.parametrize(
    "options",
    [
        {"class_names": ["one"]},
        {"class_names": ["a", "a", "b", "c"]},
        {"pooling": "sum"},
        {"activation": "sigmoid"},
        {"num_classes": 0},
    ],
)
def test_constructor_refuses(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make_classifier(**options)


def test_activation_changes_the_call_and_not_predict(classifier):
    model = make_classifier(activation="softmax")
    np.testing.assert_allclose(model(raw()), classifier.predict(raw()), atol=1e-6)
    np.testing.assert_allclose(model.predict(raw()), classifier.predict(raw()), atol=1e-6)
    for activated, from_logits in ((model, False), (make_classifier(), True)):
        activated.compile()
        assert activated.loss.from_logits is from_logits


def test_temperature_divides_the_logits_of_the_probabilities_only():
    plain, warm = make_classifier(), make_classifier(temperature=2.5)
    logits = plain(raw())
    expected = keras.ops.softmax(logits / 2.5)
    np.testing.assert_allclose(warm.predict(raw()), expected, atol=1e-6)
    np.testing.assert_array_equal(warm(raw()), logits)
    np.testing.assert_array_equal(warm.logits(raw()), logits)
    np.testing.assert_array_equal(warm.losses_per_class(raw()), plain.losses_per_class(raw()))
    assert warm.classify(raw()) == plain.classify(raw())
    softmax = make_classifier(temperature=2.5, activation="softmax")
    np.testing.assert_allclose(softmax(raw()), expected, atol=1e-6)
    assert make_classifier().get_config()["temperature"] == 1.0


def test_a_new_temperature_counts_at_once():
    """Keras stores the traced function of `predict`."""
    model = make_classifier()
    before = model.predict(raw())
    model.temperature = np.float64(3.0)
    np.testing.assert_allclose(
        model.predict(raw()), keras.ops.softmax(model(raw()) / 3.0), atol=1e-6
    )
    assert np.abs(model.predict(raw()) - before).max() > 0.01
    for refused in (0.0, -1.0, float("nan"), "warm"):
        with pytest.raises(ValueError, match="`temperature` must be a number, positive"):
            model.temperature = refused
    assert model.temperature == 3.0


def test_dropout_is_in_the_head_and_in_training_only():
    model = make_classifier(dropout=0.5)
    np.testing.assert_array_equal(model(raw()), make_classifier()(raw()))
    assert np.ptp([model(raw(), training=True) for _ in range(2)], axis=0).max() > 1e-3


def test_extra_class_enters_the_losses_only(classifier):
    extra = make_classifier(extra_class=True)
    logits = classifier(raw()).numpy()
    total = np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(
        classifier.losses_per_class(raw()), np.log(total) - logits, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        extra.losses_per_class(raw()), np.log1p(total) - logits, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(extra.predict(raw()), classifier.predict(raw()))


def test_mixed_precision_computes_in_bfloat16_and_returns_float32():
    model = make_classifier(dtype="mixed_bfloat16")
    assert model.compute_dtype == "bfloat16"
    assert model(images.to_float(raw())).dtype == "float32"
    assert model.predict(raw()).dtype == np.float32
    network = CLSGANFeatures(SHAPE, filters=3)
    assert randomize(ImageClassifier(network, 3, dtype="bfloat16")).compute_dtype == "bfloat16"


def test_classifier_is_a_critic_in_a_custom_step():
    model = make_classifier(dropout=0.2)
    before = model.get_weights()
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(floats):
        with tf.GradientTape() as tape:
            losses = class_losses(model(floats, training=True), extra_class=True)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)

    step(images.to_float(raw()))
    moved = [np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(moved)


def test_fits_raw_images_out_of_the_box():
    dark_and_bright = np.concatenate([raw(16) // 4, 255 - raw(16) // 4])
    labels = np.repeat([0, 1], 16)
    model = ImageClassifier(CLSGANFeatures(SHAPE, filters=3), 2)
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert float(model.optimizer.learning_rate) == pytest.approx(5e-5)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    history = model.fit(dark_and_bright, labels, epochs=12, batch_size=16, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    loss, accuracy = model.evaluate(dark_and_bright, labels, verbose=0)
    assert np.isfinite(loss) and 0.0 <= accuracy <= 1.0
    for refused in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="raw uint8 images"):
            refused(dark_and_bright / np.float32(255), labels, verbose=0)


def test_two_replicas_fit_the_same_weights_as_one():
    def fit(count):
        with replicas(count).scope():
            model = ImageClassifier(CLSGANFeatures(SHAPE, filters=2, normalization="none"), 2)
            randomize(model)
            model.compile(optimizer=keras.optimizers.SGD(0.01))
        model.fit(raw(8), np.arange(8) % 2, batch_size=4, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for one, two in zip(fit(1), fit(2), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


class Batches(keras.utils.PyDataset):
    """Two batches of raw images with labels."""

    def __init__(self, images):
        super().__init__()
        self.images = images

    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(3 * index, 3 * index + 3)
        return self.images[part], np.zeros(len(self.images[part]))


@pytest.mark.parametrize("size", [2.5, 0, -1, True, "4"])
def test_predict_refuses_a_batch_size_that_is_no_positive_integer(classifier, size):
    images = np.zeros((3, *classifier.image_shape), np.uint8)
    with pytest.raises(ValueError, match="`batch_size` must be an integer, at least 1, or None"):
        classifier.predict(images, batch_size=size)


@pytest.mark.parametrize("shape", [SHAPE, (11, 9, 3)])
def test_predict_takes_what_keras_takes(classifier, shape, capsys):
    given = raw(5, shape)
    expected = classifier.predict(given)
    dataset = tf.data.Dataset.from_tensor_slices(given)
    labelled = tf.data.Dataset.from_tensor_slices((given, np.zeros(5))).batch(2)
    streams = [dataset.batch(2), labelled, Batches(given), ((given[i : i + 2],) for i in (0, 2, 4))]
    for stream in streams:
        np.testing.assert_allclose(classifier.predict(stream), expected, atol=1e-6)
    np.testing.assert_allclose(classifier.predict(tf.constant(given)), expected, atol=1e-6)
    assert capsys.readouterr().out == ""
    seen = []
    callback = keras.callbacks.Callback()
    callback.on_predict_batch_end = lambda batch, logs=None: seen.append(batch)
    some = classifier.predict(given, batch_size=2, verbose=1, steps=2, callbacks=[callback])
    np.testing.assert_allclose(some, expected[:4], atol=1e-6)
    assert seen == [0, 1] and "2/2" in capsys.readouterr().out
    repeated = dataset.batch(1).repeat()
    np.testing.assert_allclose(classifier.predict(repeated, steps=3), expected[:3], atol=1e-6)
    assert classifier.classify(dataset.batch(2)) == classifier.classify(given)
    for wrong, message in ((dataset, "batch"), (dataset.batch(2).map(images.to_float), "uint8")):
        with pytest.raises(ValueError, match=message):
            classifier.predict(wrong)


def test_evaluate_and_fit_take_class_names():
    model = make_classifier(class_names=["ant", "bee", "cat", "dog"])
    model.compile()
    given, numbers = raw(8), np.array([0, 1, 2, 3, 3, 2, 1, 0])
    names = np.array(model.class_names)[numbers]
    expected = model.evaluate(given, numbers, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices((given, names)).batch(4)
    for arguments in ((given, names), (given, names.astype(object)), (dataset,)):
        np.testing.assert_allclose(model.evaluate(*arguments, verbose=0), expected, rtol=1e-5)
    scores = model.evaluate(dataset, steps=1, return_dict=True, verbose=0)
    assert set(scores) == {"loss", "accuracy"}
    model.fit(given, list(names), 4, validation_data=(given, names), verbose=0)
    with pytest.raises(ValueError, match="'wolf' is not a class. The classes are 'ant'"):
        model.evaluate(given, ["wolf"] * 8, verbose=0)
    wolves = tf.data.Dataset.from_tensor_slices((given, ["wolf"] * 8)).batch(4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be class names: ant, bee"):
        model.evaluate(wolves, verbose=0)
    with pytest.raises(ValueError, match=r"in 0..3, received 1..4. Classes count from 0"):
        model.evaluate(given, numbers + 1, verbose=0)
    with pytest.raises(ValueError, match="one tensor of images, received a dict with the keys 'x'"):
        model.predict(tf.data.Dataset.from_tensor_slices({"x": given}).batch(4))
