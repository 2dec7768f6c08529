"""GAN inversion, on generators for which the solution is known."""

import keras
import numpy as np
import pytest

from tests.support.devices import replicas
from tests.support.small_tasks import make_generator
from zoo.inversion import invert_images
from zoo.networks import Generator
from zoo.tasks import ImageGenerator

LATENT, SIZE = 4, 3
STEPS = {"steps": 400, "restarts": 2, "learning_rate": 0.1}


@keras.saving.register_keras_serializable(package="test_inversion")
class Linear(Generator):
    """A linear generator: G(z) = W z + b, plus a tenth of the class."""

    def __init__(self, latent="normal", num_classes=0, name=None, dtype=None):
        super().__init__(
            (SIZE, 2, 1),
            latent_dim=LATENT,
            latent=latent,
            num_classes=num_classes,
            name=name,
            dtype=dtype,
        )
        self.dense = keras.layers.Dense(SIZE * 2)
        self.unflatten = keras.layers.Reshape((SIZE, 2, 1))
        self.build_from_symbolic_inputs()

    def call(self, inputs, training=False):
        latent = inputs["latent"] if self.num_classes else inputs
        images = self.unflatten(self.dense(latent))
        if not self.num_classes:
            return images
        shift = keras.ops.cast(inputs["label"], "float32") / 10
        return images + keras.ops.reshape(shift, (-1, 1, 1, 1))


@pytest.fixture(scope="module")
def linear():
    return make_linear()


def make_linear(**options):
    generator = ImageGenerator(Linear(**options))
    random = np.random.default_rng(0)
    generator.network.dense.set_weights(
        [random.normal(0, 0.2, (LATENT, SIZE * 2)), random.normal(0, 0.1, SIZE * 2)]
    )
    return generator


def targets(n=5):
    return np.random.default_rng(1).uniform(-0.5, 0.5, (n, SIZE, 2, 1)).astype("float32")


def test_squared_error_of_a_linear_generator_is_the_least_squares_residual(linear):
    x = targets()
    found = invert_images(linear, x, objective="squared", **STEPS)
    kernel, bias = linear.network.dense.get_weights()
    flat = x.reshape(len(x), -1) - bias
    z, *_ = np.linalg.lstsq(kernel.T, flat.T, rcond=None)
    expected = ((flat - z.T @ kernel) ** 2).mean(axis=1)
    np.testing.assert_allclose(found.errors, expected, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(found.latents, z.T, atol=0.02)


def test_latents_of_generated_images_are_recovered(linear):
    z = np.random.default_rng(2).normal(size=(4, LATENT)).astype("float32")
    x = linear.images_from_latents(z).numpy().clip(-1, 1)
    found = invert_images(linear, x, **STEPS)
    assert found.errors.max() < 2e-3
    np.testing.assert_allclose(found.latents, z, atol=0.05)
    np.testing.assert_allclose(np.abs(x - found.images).mean((1, 2, 3)), found.errors, atol=1e-6)
    np.testing.assert_allclose(linear.images_from_latents(found.latents), found.images, atol=1e-6)


def test_a_conditional_generator_uses_or_finds_the_class():
    generator = make_linear(num_classes=3)
    z = np.random.default_rng(2).normal(size=(3, LATENT)).astype("float32")
    labels = np.arange(3)
    x = generator.images_from_latents(z, labels).numpy()
    right = invert_images(generator, x, labels=labels, **STEPS)
    wrong = invert_images(generator, x, labels=labels[::-1].copy(), **STEPS)
    np.testing.assert_allclose(right.latents, z, atol=0.05)
    assert np.abs(wrong.latents[0] - z[0]).max() > 0.1
    with pytest.raises(ValueError, match="give `labels`"):
        invert_images(generator, x)
    searched = invert_images(generator, x, labels="searched", **STEPS)
    np.testing.assert_array_equal(searched.labels, labels)
    np.testing.assert_array_equal(searched.latents, right.latents)
    np.testing.assert_allclose(searched.errors, right.errors)
    assert searched.history[-1] == pytest.approx(right.history[-1], abs=1e-6)
    with pytest.raises(ValueError, match="received 'searched' for 0 classes"):
        invert_images(make_linear(), x, labels="searched")


def test_results_do_not_depend_on_the_other_images_or_the_batch_size(linear):
    options = {"steps": 20, "restarts": 3, "learning_rate": 0.1}
    together = invert_images(linear, targets(), **options)
    apart = invert_images(linear, targets(), batch_size=2, **options)
    np.testing.assert_allclose(together.latents, apart.latents, atol=1e-4)
    np.testing.assert_allclose(together.history, apart.history, atol=1e-5)


def test_every_option_has_its_effect(linear):
    def errors(**changes):
        options = {"steps": 15, "restarts": 1, "learning_rate": 0.05, "seed": 0, **changes}
        return invert_images(linear, targets(), **options)

    base = errors()
    assert len(base.history) == 16 and np.all(np.diff(base.history) <= 0)
    assert base.history[-1] == pytest.approx(base.errors.mean(), rel=1e-5)
    assert errors(steps=100).errors.mean() < base.errors.mean()
    restarted = errors(restarts=8)
    assert restarted.errors.mean() < base.errors.mean()
    assert restarted.history[0] < base.history[0]
    assert np.any(errors(seed=1).latents != base.latents)
    assert np.any(errors(learning_rate=0.01).latents != base.latents)
    bounded = errors(max_norm=0.1)
    assert np.linalg.norm(bounded.latents, axis=1).max() <= 0.1 * np.sqrt(LATENT) + 1e-6


def test_uniform_latents_stay_in_the_cube_of_the_prior():
    generator = make_linear(latent="uniform")
    far = np.ones((3, SIZE, 2, 1), "float32")
    found = invert_images(generator, far, **STEPS)
    assert np.abs(found.latents).max() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="max_norm"):
        invert_images(generator, far, max_norm=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": targets()[0]}, "float"),
        ({"images": targets(0)}, "n at least 1"),
        ({"images": (targets() * 255).astype("uint8")}, "uint8"),
        ({"images": targets() * 9}, r"in \[-1, 1\]"),
        ({"steps": 0}, "steps"),
        ({"restarts": 0}, "restarts"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"objective": "cubed"}, "objective"),
        ({"labels": np.zeros(5, int)}, "unconditional"),
    ],
)
def test_invalid_arguments_are_refused(linear, changes, message):
    options = {"images": targets(), **changes}
    with pytest.raises(ValueError, match=message):
        invert_images(linear, **options)


def test_the_task_takes_raw_images_of_any_size():
    generator = make_generator()
    images = generator.generate(2, seed=3)
    options = {"steps": 30, "restarts": 2, "learning_rate": 0.1}
    found = generator.invert(images, **options)
    again = invert_images(generator, (images / np.float32(127.5)) - 1, **options)
    np.testing.assert_allclose(found.latents, again.latents, atol=1e-3)
    larger = images.repeat(2, axis=1).repeat(2, axis=2)
    assert generator.invert(larger, **options).images.shape == images.shape
    with pytest.raises(ValueError, match="uint8"):
        generator.invert(images / 255.0)
    with pytest.raises(ValueError, match="empty"):
        generator.invert(images[:0])


@pytest.mark.parametrize("count", [2, 4])
def test_several_devices_find_what_one_finds(count, linear):
    """Five images are not a multiple of the devices, and each device gets whole images."""
    options = {"steps": 20, "restarts": 2}
    one = invert_images(linear, targets(), **options)
    with replicas(count).scope():
        several = invert_images(linear, targets(), batch_size=1, **options)
    for expected, found in zip(one, several, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
