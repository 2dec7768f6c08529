"""The image generator: seeds, labels, interpolation, fitting and refused arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.small_tasks import SHAPE, make_generator, raw
from zoo import images, latents
from zoo.tasks import ImageGenerator


@pytest.fixture(scope="module")
def generator():
    return make_generator()


@pytest.fixture(scope="module")
def conditional():
    return make_generator(num_classes=3)


def test_an_image_belongs_to_its_seed(generator):
    many = generator.generate(70, seed=3)
    assert many.shape == (70, *SHAPE) and many.dtype == np.uint8
    for i in (2, 66):  # One image of the first batch and one of the second.
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
        ({"n": 2.5}, "at least 1"),
        ({"n": True}, "at least 1"),
        ({"seed": -1}, "seed"),
        ({"seed": 3.7}, "seed"),
        ({"seed": "3"}, "seed"),
        ({"seed": 2**63 - 1}, "seed"),
        ({"labels": 3}, r"0\.\.2"),
        ({"labels": [0, -1]}, r"0\.\.2"),
        ({"labels": [0, 1, 2]}, "2 of them"),
        ({"labels": 1.5}, "integer"),
        ({"labels": True}, "integer"),
        ({"labels": ["0", "dog"]}, "'dog' is not a class"),
    ],
)
def test_generate_refuses_invalid_arguments_with_the_reason(conditional, options, message):
    with pytest.raises(ValueError, match=message):
        conditional.generate(**{"n": 2, **options})


def test_integers_of_other_libraries_are_seeds(generator):
    expected = generator.generate(2, seed=3)
    for seed in (np.uint8(3), np.int64(3), np.array(3), tf.constant(3)):
        np.testing.assert_array_equal(generator.generate(np.int32(2), seed=seed), expected)
    for refused in (3.7, -1, True, [3]):
        with pytest.raises(ValueError, match="seed_b"):
            generator.interpolate(3, refused)
        with pytest.raises(ValueError, match="seed"):
            generator.invert(raw(1), steps=1, restarts=1, seed=refused)


def test_classes_by_name(conditional):
    named = ImageGenerator(conditional.network, class_names=["ant", "bee", "cat"])
    expected = conditional.generate(2, labels=[2, 0], seed=1)
    for labels in (["cat", "ant"], np.array(["cat", "ant"]), ("cat", "ant"), [2, 0]):
        np.testing.assert_array_equal(named.generate(2, labels=labels, seed=1), expected)
    one = conditional.generate(2, labels=1, seed=1)
    np.testing.assert_array_equal(named.generate(2, labels="bee", seed=1), one)
    np.testing.assert_array_equal(conditional.generate(2, labels="1", seed=1), one)
    way = named.interpolate(1, 2, 2, label="bee")
    np.testing.assert_array_equal(way[0], one[0])
    with pytest.raises(ValueError, match="'dog' is not a class. The classes are 'ant', 'bee'"):
        named.generate(2, labels="dog")
    with pytest.raises(ValueError, match="class_names"):
        ImageGenerator(conditional.network, class_names=["ant"])


def test_unconditional_generators_take_no_labels(generator):
    with pytest.raises(ValueError, match="unconditional"):
        generator.generate(2, labels=0)


def test_a_call_returns_floats_of_the_dtype_asked_for(generator):
    z = np.zeros((2, 6), "float32")
    assert generator(z).dtype == "float32"
    low = ImageGenerator(generator.network, dtype="bfloat16")
    assert low(z).dtype == "bfloat16"
    assert low.images_from_latents(z).dtype == "float32"


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_interpolation_starts_and_ends_at_the_images_of_the_seeds(latent):
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


def test_interpolation_uses_the_class_and_the_truncation(conditional):
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
def test_interpolation_refuses_invalid_arguments(generator, options, message):
    with pytest.raises(ValueError, match=message):
        generator.interpolate(**{"seed_a": 1, "seed_b": 2, **options})


def test_a_generator_fits_images_with_the_default_loss():
    generator = make_generator()
    generator.compile()
    assert isinstance(generator.loss, keras.losses.MeanAbsoluteError)
    assert float(generator.optimizer.learning_rate) == pytest.approx(2e-4)
    generator.compile(optimizer=keras.optimizers.Adam(0.05))
    z = np.random.default_rng(0).normal(size=(16, 6)).astype("float32")
    dark = np.full((16, *SHAPE), -1.0, "float32")
    losses = generator.fit(z, dark, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
