import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.devices import replicas
from zoo import ema, images, latents
from zoo.models.class_losses import class_losses
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator
from zoo.tasks import ImageClassifier, ImageGenerator

SHAPE = (8, 8, 3)
CLASSES = 4
GOLDEN_NORMAL = [[-1.6970340, -0.4813767, -0.6622369], [-0.6741728, -0.3586926, -1.8795817]]
GOLDEN_UNIFORM = [[-0.5779691, 0.4120200, 0.6001267], [0.4941576, 0.3443604, -0.8844409]]


def randomize(model, seed=0):
    """Weights that give every input its own output, which fresh ones hardly do."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        values = random.normal(0.0, 0.2, variable.shape)
        if len(variable.shape) > 1:
            values *= 5.0 * np.sqrt(2.0 / np.prod(variable.shape[:-1]))
        elif "gamma" in variable.path or "variance" in variable.path:
            values = np.abs(values) + 1.0
        variable.assign(values)
    return model


def make_classifier(shape=SHAPE, num_classes=CLASSES, dtype=None, **options):
    return randomize(
        ImageClassifier(CLSGANFeatures(shape, filters=3, dtype=dtype), num_classes, **options)
    )


def make_generator(num_classes=0, latent="normal", dtype=None):
    network = DCGANGenerator(
        SHAPE, latent_dim=6, base_filters=4, latent=latent, num_classes=num_classes, dtype=dtype
    )
    return randomize(ImageGenerator(network))


def raw(n=5, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype="uint8")


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def generator():
    return make_generator()


@pytest.fixture(scope="module")
def conditional():
    return make_generator(num_classes=3)


# Images at the border


def test_uint8_survives_the_way_in_and_out():
    levels = np.arange(256, dtype="uint8")
    floats = images.to_float(levels).numpy()
    np.testing.assert_allclose(floats[[0, 255]], [-1.0, 1.0])
    np.testing.assert_array_equal(images.to_uint8(floats), levels)
    np.testing.assert_array_equal(images.to_uint8([-1.2, 0.004, 1.2]), [0, 128, 255])


def test_prepare_resizes_with_antialias_and_leaves_the_right_size_alone():
    # Half of the columns are white, and plain bilinear sampling would see those only.
    stripes = np.tile(np.array([0, 255, 255, 0], "uint8"), 4) * np.ones((1, 16, 1), "uint8")
    small = images.prepare(stripes[..., None], (4, 4, 1)).numpy()
    assert np.abs(small).max() < 0.3
    same = raw(2)
    np.testing.assert_array_equal(images.prepare(same, SHAPE), images.to_float(same))


def test_prepare_converts_between_grey_and_colour():
    grey = raw(2, (8, 8, 1))
    colour = images.prepare(grey, SHAPE).numpy()
    assert colour.shape == (2, *SHAPE)
    np.testing.assert_allclose(
        images.prepare(np.repeat(grey, 3, -1), (8, 8, 1)), colour[..., :1], atol=1e-6
    )
    pure = np.zeros((1, 1, 3, 3), "uint8")
    pure[0, 0] = np.eye(3) * 255
    luma = images.prepare(pure, (1, 3, 1)).numpy().ravel()
    np.testing.assert_allclose((luma + 1) / 2, [0.299, 0.587, 0.114], atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4])
def test_prepare_refuses_other_channels(channels):
    with pytest.raises(ValueError, match="alpha"):
        images.prepare(raw(1, (8, 8, channels)), SHAPE)


# ImageClassifier


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
def test_predict_explains_what_it_does_not_take(classifier, given, message):
    with pytest.raises(ValueError, match=message):
        classifier.predict(given)


def test_classify_gives_names():
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


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="features"):
        ImageClassifier(DCGANCritic(SHAPE, filters=2), 3)
    with pytest.raises(ValueError, match="latent_dim"):
        ImageGenerator(CLSGANFeatures(SHAPE, filters=2))
    with pytest.raises(ValueError, match="image_shape"):
        ImageClassifier(keras.layers.Dense(3), 3)


def test_activation_changes_the_call_and_not_predict(classifier):
    model = make_classifier(activation="softmax")
    np.testing.assert_allclose(model(raw()), classifier.predict(raw()), atol=1e-6)
    np.testing.assert_allclose(model.predict(raw()), classifier.predict(raw()), atol=1e-6)
    for activated, from_logits in ((model, False), (make_classifier(), True)):
        activated.compile()
        assert activated.loss.from_logits is from_logits


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


def test_mixed_precision_computes_low_and_answers_float32():
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


def test_clones_share_nothing(classifier, conditional):
    for model, give in (
        (classifier, lambda m: m.predict(raw())),
        (conditional, lambda m: m.generate(2, seed=1)),
    ):
        twin = ema.clone(model)
        assert twin.get_config() == model.get_config()
        np.testing.assert_array_equal(give(twin), give(model))
        assert not {id(v) for v in twin.variables} & {id(v) for v in model.variables}


def test_config_holds_every_argument():
    options = {
        "class_names": ["a", "b", "c", "d"],
        "pooling": "max",
        "activation": "softmax",
        "dropout": 0.25,
        "extra_class": True,
        "name": "judge",
        "dtype": "mixed_bfloat16",
    }
    twin = ema.clone(make_classifier(**options))
    for name in ("pooling", "activation", "dropout", "extra_class", "name"):
        assert getattr(twin, name) == options[name]
    assert list(twin.class_names) == options["class_names"]
    assert twin.dtype_policy.name == "mixed_bfloat16"


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


def test_compiled_classifier_survives_a_keras_file(tmp_path):
    model = make_classifier()
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(raw()), model.predict(raw()))
    assert float(loaded.optimizer.learning_rate) == 0.5


def test_replicas_fit_alike():
    def fit(count):
        with replicas(count).scope():
            model = ImageClassifier(CLSGANFeatures(SHAPE, filters=2, normalization="none"), 2)
            randomize(model)
            model.compile(optimizer=keras.optimizers.SGD(0.01))
        model.fit(raw(8), np.arange(8) % 2, batch_size=4, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for one, two in zip(fit(1), fit(2), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_summaries_count_everything(classifier, generator, capsys):
    for model in (classifier, generator):
        model.summary()
        assert f"{model.count_params():,}" in capsys.readouterr().out


# Latents and ImageGenerator


def test_latents_belong_to_their_seed():
    seeds = tf.constant([5, -3, 2**62], tf.int64)
    together = latents.latents_from_seeds(seeds, 7)
    alone = latents.latents_from_seeds(seeds[2:], 7)
    np.testing.assert_array_equal(together[2], alone[0])
    assert np.abs(together[0] - together[1]).max() > 0.1
    assert latents.latents_from_seeds(seeds[:0], 7).shape == (0, 7)


def test_latents_never_change():
    seeds = tf.constant([0, 7], tf.int64)
    normal = latents.latents_from_seeds(seeds, 3)
    uniform = latents.latents_from_seeds(seeds, 3, "uniform")
    np.testing.assert_allclose(normal, GOLDEN_NORMAL, atol=1e-5)
    np.testing.assert_allclose(uniform, GOLDEN_UNIFORM, atol=1e-6)


def test_latents_follow_their_prior():
    seeds = tf.range(400, dtype=tf.int64)
    normal = latents.latents_from_seeds(seeds, 50).numpy()
    uniform = latents.latents_from_seeds(seeds, 50, "uniform").numpy()
    assert abs(normal.mean()) < 0.02 and abs(normal.std() - 1) < 0.02
    assert uniform.min() < -0.99 and uniform.max() > 0.99 and abs(uniform.mean()) < 0.02
    assert np.abs(uniform).max() <= 1.0
    with pytest.raises(ValueError, match="kind"):
        latents.latents_from_seeds(seeds, 50, "cauchy")


def test_an_image_belongs_to_its_seed(generator):
    many = generator.generate(70, seed=3)
    assert many.shape == (70, *SHAPE) and many.dtype == np.uint8
    for i in (2, 66):  # In the first and in the second batch.
        one = generator.generate(1, seed=3 + i)[0]
        assert np.abs(many[i].astype(int) - one).max() <= 1
    assert np.ptp(many.astype(int), axis=0).max() > 10


def test_generate_is_the_network_at_the_seeds_latents(generator):
    z = latents.latents_from_seeds(tf.constant([9, 10], tf.int64), 6)
    for truncation in (None, 1.0, 0.5):
        expected = images.to_uint8(generator.network((truncation or 1.0) * z))
        near = generator.generate(2, seed=9, truncation=truncation).astype(int) - expected
        assert np.abs(near).max() <= 1
    assert np.any(generator.generate(2, seed=9) != generator.generate(2, seed=9, truncation=0.5))
    uniform = make_generator(latent="uniform")
    assert np.any(uniform.generate(2, seed=9) != generator.generate(2, seed=9))


def test_random_seeds_differ_and_follow_keras(generator):
    keras.utils.set_random_seed(1)
    first, second = generator.generate(2), generator.generate(2)
    assert np.any(first != second)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(generator.generate(2), first)


def test_labels_choose_the_class(conditional):
    default = conditional.generate(5, seed=0)
    np.testing.assert_array_equal(default, conditional.generate(5, seed=0, labels=[0, 1, 2, 0, 1]))
    twos = conditional.generate(5, seed=0, labels=2)
    np.testing.assert_array_equal(twos, conditional.generate(5, seed=0, labels=np.full(5, 2)))
    np.testing.assert_array_equal(twos[2], default[2])
    assert np.any(twos[0] != default[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "at least 1"),
        ({"truncation": 0.0}, "truncation"),
        ({"truncation": 1.5}, "truncation"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63 - 1}, "seed"),
        ({"labels": 3}, r"0\.\.2"),
        ({"labels": [0, -1]}, r"0\.\.2"),
        ({"labels": [0, 1, 2]}, "2 of them"),
        ({"labels": 1.5}, "integer"),
        ({"labels": True}, "integer"),
    ],
)
def test_generate_explains_what_it_does_not_take(conditional, options, message):
    with pytest.raises(ValueError, match=message):
        conditional.generate(**{"n": 2, **options})


def test_unconditional_generators_take_no_labels(generator):
    with pytest.raises(ValueError, match="unconditional"):
        generator.generate(2, labels=0)


def test_a_call_returns_floats_of_the_dtype_asked_for(generator):
    z = np.zeros((2, 6), "float32")
    assert generator(z).dtype == "float32"
    low = ImageGenerator(generator.network, dtype="bfloat16")
    assert low(z).dtype == "bfloat16"
    assert low.images_from_latents(z).dtype == "float32"


# On the way between seeds, and compiling


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_the_way_between_seeds_begins_and_ends_at_their_images(latent):
    generator = make_generator(latent=latent)
    way = generator.interpolate(3, 8, 5)
    assert way.shape == (5, *SHAPE) and way.dtype == np.uint8
    ends = np.concatenate([generator.generate(1, seed=3), generator.generate(1, seed=8)])
    np.testing.assert_array_equal(way[[0, -1]], ends)
    z = latents.latents_from_seeds(tf.constant([3, 8], tf.int64), 6, latent).numpy()
    middle = (z[0] + z[1]) / 2
    if latent == "normal":
        angle = np.arccos(z[0] @ z[1] / np.linalg.norm(z[0]) / np.linalg.norm(z[1]))
        middle = middle / np.cos(angle / 2)
    expected = images.to_uint8(generator.images_from_latents(middle[None])).numpy()[0]
    assert np.abs(way[2].astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(generator.interpolate(3, 3, 2)[1], way[0])


def test_the_way_between_seeds_has_a_class_and_a_truncation(conditional):
    np.testing.assert_array_equal(
        conditional.interpolate(1, 2, 3, label=2)[0], conditional.generate(1, seed=1, labels=2)[0]
    )
    np.testing.assert_array_equal(
        conditional.interpolate(1, 2, 3), conditional.interpolate(1, 2, 3, label=0)
    )
    cut = conditional.interpolate(1, 2, 3, truncation=0.5)
    np.testing.assert_array_equal(
        cut[0], conditional.generate(1, seed=1, labels=0, truncation=0.5)[0]
    )
    assert np.any(cut != conditional.interpolate(1, 2, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 1}, "steps"),
        ({"seed_a": -1}, "seed"),
        ({"truncation": 0.0}, "truncation"),
        ({"label": 1}, "unconditional"),
    ],
)
def test_ways_that_cannot_be(generator, options, message):
    with pytest.raises(ValueError, match=message):
        generator.interpolate(**{"seed_a": 1, "seed_b": 2, **options})


def test_a_generator_is_drawn_towards_images_out_of_the_box():
    generator = make_generator()
    generator.compile()
    assert isinstance(generator.loss, keras.losses.MeanAbsoluteError)
    assert float(generator.optimizer.learning_rate) == pytest.approx(2e-4)
    generator.compile(optimizer=keras.optimizers.Adam(0.05))
    z = np.random.default_rng(0).normal(size=(16, 6)).astype("float32")
    dark = np.full((16, *SHAPE), -1.0, "float32")
    losses = generator.fit(z, dark, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_a_compiled_generator_survives_a_keras_file(tmp_path, generator):
    model = make_generator()
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.generate(2, seed=1), model.generate(2, seed=1))
    assert float(loaded.optimizer.learning_rate) == 0.5
