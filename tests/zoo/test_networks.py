"""Network families: image sizes, options, refused arguments, configuration and weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.ema import clone
from zoo.models import LeastSquaresGAN
from zoo.networks import (
    NETWORKS,
    CLSGANFeatures,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    R3GANCritic,
    R3GANGenerator,
    ReleasedCLSGANFeatures,
    ResidualFeatures,
    ResNetCritic,
    ResNetGenerator,
    SceneCritic,
    SceneGenerator,
    check_image_size,
    make_critic,
    make_features,
    make_generator,
)
from zoo.options import StepOptions

# Shapes for the networks that do not support 8 x 8.
SHAPES = {"scene": (64, 64, 1), "clsgan_released": (32, 32, 1), "characters": (16, 16, 1)}

SIZES = {
    "dcgan": [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (112, 112, 3), (128, 128, 4)],
    "resnet": [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3)],
    "r3gan": [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3)],
    "mlp": [(2,), (5, 3, 2), (28, 28, 1)],
    "scene": [(64, 64, 1), (112, 112, 3)],
}


@pytest.mark.parametrize(("name", "shape"), [(name, s) for name in SIZES for s in SIZES[name]])
def test_generator_and_critic_support_the_size(name, shape):
    generator = make_generator(name, image_shape=shape, latent_dim=6, filters=16)
    critic = make_critic(name, image_shape=shape, filters=4)
    images = generator(tf.random.stateless_normal((2, 6), (0, 0)))
    assert images.shape == (2, *shape)
    if len(shape) == 3:
        assert np.abs(images).max() <= 1.0
    scores = critic(images)
    assert scores.shape == (2,)
    assert scores.dtype == "float32"


@pytest.mark.parametrize("name", list(NETWORKS))
def test_conditional_generator_depends_on_the_label(name):
    shape = SHAPES.get(name, (8, 8, 1))
    generator = make_generator(name, image_shape=shape, latent_dim=6, filters=8, num_classes=3)
    latent = tf.random.stateless_normal((2, 6), (0, 0))
    one, two = (generator({"latent": latent, "label": tf.constant(y)}) for y in ([0, 0], [1, 1]))
    assert np.abs(one - two).max() > 0


@pytest.mark.parametrize("size", [4, 9, 29, 30])
@pytest.mark.parametrize(
    "make",
    [DCGANGenerator, DCGANCritic, ResNetGenerator, ResNetCritic, R3GANGenerator, R3GANCritic],
)
def test_an_unsupported_size_names_the_nearest_sizes(make, size):
    with pytest.raises(ValueError, match="nearest are"):
        make((size, size, 1))


@pytest.mark.parametrize("size", [28, 48, 63, 128, 224])
def test_scene_network_supports_only_sixteen_times_4_to_7_pixels(size):
    for make in (SceneGenerator, SceneCritic):
        with pytest.raises(ValueError, match="64, 80, 96, 112 pixels, not of"):
            make((size, size, 3))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("mlp", "residual")])
def test_size_is_checked_by_name_without_building(name):
    check_image_size(name, (*SHAPES.get(name, (32, 32))[:2], 3))
    with pytest.raises(ValueError, match="nearest"):
        check_image_size(name, (30, 30, 3))
    with pytest.raises(ValueError, match=r"\(size, size, channels\)"):
        check_image_size(name, (2,))
    with pytest.raises(ValueError, match="nearest"):
        make_generator(name, image_shape=(30, 30, 3), latent_dim=2)


def test_residual_features_support_sizes_that_their_generator_does_not():
    check_image_size("residual", (30, 30, 3))
    with pytest.raises(ValueError, match="at least 8 pixels, not of 7"):
        check_image_size("residual", (7, 7, 3))
    with pytest.raises(ValueError, match="nearest"):
        make_generator("residual", image_shape=(30, 30, 3), latent_dim=2)


def test_released_script_reaches_a_map_of_4_to_7():
    with pytest.raises(ValueError, match="32, 40, 48, 56 pixels, not of 28"):
        ReleasedCLSGANFeatures((28, 28, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latent_dim": 0}, "latent_dim"),
        ({"filters": 0}, "filters"),
        ({"latent": "gaussian"}, "`latent` must be 'normal' or 'uniform'"),
        ({"num_classes": -1}, "num_classes"),
        ({"normalization": "bacth"}, "`normalization` must be one of"),
        ({"depth": 3}, "has no option `depth`"),
        ({"activation": "tanh"}, "has no option `activation`"),
    ],
)
def test_an_invalid_value_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        make_generator("dcgan", **{"image_shape": (8, 8, 1), "latent_dim": 2, **change})


def test_an_option_or_network_that_a_family_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="Did you mean 'resnet'"):
        make_critic("resnt", image_shape=(8, 8, 1))
    for name in ("mlp", "resnet", "r3gan"):
        with pytest.raises(ValueError, match=f"critic of '{name}' has no option `normalization`"):
            make_critic(name, image_shape=(8, 8, 1), normalization="batch")
        make_critic(name, image_shape=(8, 8, 1), normalization="none", filters=2)
    with pytest.raises(ValueError, match="not a single score.*dcgan, resnet, mlp, scene"):
        make_critic("clsgan", image_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="clsgan, clsgan_released, residual"):
        make_features("dcgan", image_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="`dropout`"):
        make_features("clsgan_released", image_shape=(32, 32, 1), dropout=0.2)


def test_options_reach_the_network():
    """Each option of the registry changes the network."""
    generator = make_generator(
        "mlp",
        image_shape=(2,),
        latent_dim=3,
        latent="uniform",
        filters=5,
        depth=4,
        activation="tanh",
    )
    assert [layer.units for layer in generator.hidden] == [5] * 4
    assert generator.latent == "uniform"
    hidden = generator.hidden[0](tf.ones((1, 3)))
    np.testing.assert_allclose(generator.nonlinearity(hidden), np.tanh(hidden), rtol=1e-5)
    critic = make_critic("mlp", image_shape=(2,), filters=5, depth=1, activation="elu")
    assert (critic.units, critic.depth, critic.activation) == (5, 1, "elu")
    for name, shape in (("dcgan", (8, 8, 1)), ("scene", (64, 64, 1)), ("resnet", (8, 8, 1))):
        plain = make_generator(
            name, image_shape=shape, latent_dim=2, filters=8, normalization="none"
        )
        assert not any("gamma" in variable.path for variable in plain.variables)
        assert plain.get_config().get("base_filters", plain.get_config().get("filters")) == 8
    features = make_features("clsgan", image_shape=(8, 8, 1), filters=3, dropout=0.25)
    assert (features.filters, features.dropout) == (3, 0.25)


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
def test_interpolation_has_no_checkerboard(upsampling):
    """A constant input gives a constant output, away from the border, but not if transposed."""

    def spread(name):
        options = {"base_filters": 8, "normalization": "none", "upsampling": name}
        generator = DCGANGenerator((16, 16, 1), latent_dim=2, **options)
        generator.ups[-1].set_weights(
            [np.random.default_rng(0).normal(size=w.shape) for w in generator.ups[-1].get_weights()]
        )
        return float(np.ptp(generator.ups[-1](tf.ones((1, 8, 8, 4)))[:, 3:-3, 3:-3]))

    assert spread(upsampling) < 1e-5 < 0.1 < spread("transposed")


def test_upsampling_is_in_the_configuration_and_old_ones_are_transposed():
    generator = DCGANGenerator((8, 8, 1), latent_dim=2, base_filters=4, upsampling="nearest")
    copy = clone(generator)
    assert copy.upsampling == "nearest"
    latents = tf.ones((2, 2))
    np.testing.assert_array_equal(copy(latents), generator(latents))
    config = DCGANGenerator((8, 8, 1), latent_dim=2, base_filters=4).get_config()
    assert config.pop("upsampling") == "transposed"
    old = DCGANGenerator.from_config(config)
    assert isinstance(old.ups[0], keras.layers.Conv2DTranspose)
    with pytest.raises(ValueError, match="generator of 'resnet' has no option `upsampling`"):
        make_generator("resnet", image_shape=(8, 8, 1), latent_dim=2, upsampling="nearest")


def test_adversarial_model_trains_on_points_through_plain_fit():
    generator = MLPGenerator((2,), latent_dim=3, units=8)
    model = LeastSquaresGAN(
        generator, MLPCritic((2,), units=8), step=StepOptions(critic_steps=2, ema=0.9)
    )
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    points = np.random.default_rng(0).normal(3.0, 0.1, (64, 2)).astype("float32")
    before = generator.get_weights()
    history = model.fit(points, batch_size=32, epochs=2, verbose=0).history
    assert np.isfinite(history["critic_loss"]).all()
    assert int(model.step) == 4
    for old, new in zip(before, generator.get_weights(), strict=True):
        assert np.abs(old - new).max() > 0


ROUND_TRIP = [
    lambda: DCGANGenerator((8, 8, 1), latent_dim=6, base_filters=8, latent="uniform"),
    lambda: DCGANGenerator((8, 8, 3), base_filters=8, num_classes=4, normalization="layer"),
    lambda: DCGANCritic((8, 8, 1), filters=4, normalization="none"),
    lambda: CLSGANFeatures((8, 8, 1), filters=4, normalization="none", dropout=0.3),
    lambda: ReleasedCLSGANFeatures((32, 32, 1), filters=2, normalization="none"),
    lambda: ResidualFeatures((9, 9, 1), filters=2, normalization="layer", dropout=0.3),
    lambda: MLPGenerator((2,), latent_dim=3, units=4, depth=3, activation="tanh", num_classes=2),
    lambda: MLPGenerator((3, 4, 2), latent_dim=3, units=4, latent="uniform"),
    lambda: MLPCritic((2,), units=4, depth=3, activation="selu"),
    lambda: ResNetGenerator((16, 16, 1), latent_dim=3, filters=4, normalization="layer"),
    lambda: ResNetGenerator((8, 8, 2), latent_dim=3, filters=4, latent="uniform", num_classes=2),
    lambda: ResNetCritic((16, 16, 1), filters=4),
    lambda: R3GANGenerator((8, 8, 2), latent_dim=3, filters=6, latent="uniform", num_classes=2),
    lambda: R3GANCritic((64, 64, 1), filters=6),
    lambda: SceneGenerator((64, 64, 1), latent_dim=3, base_filters=4, latent="normal"),
    lambda: SceneGenerator((64, 64, 1), base_filters=4, normalization="none", num_classes=2),
    lambda: SceneCritic((64, 64, 1), filters=2, normalization="layer"),
]


@pytest.mark.parametrize("make", ROUND_TRIP)
def test_config_round_trip_keeps_every_argument_and_output(make):
    network = make()
    twin = clone(network)
    assert twin.get_config() == network.get_config()
    inputs = keras.tree.map_structure(
        lambda tensor: tf.ones((2, *tensor.shape[1:]), tensor.dtype), network.symbolic_inputs()
    )
    np.testing.assert_array_equal(network(inputs), twin(inputs))
    assert not {id(v) for v in network.variables} & {id(v) for v in twin.variables}


@pytest.mark.parametrize("make", ROUND_TRIP)
def test_weights_are_saved_and_loaded_through_the_functional_view(make, tmp_path):
    network, other = make(), make()
    other.set_weights([np.full_like(weight, 0.5) for weight in other.get_weights()])
    network.as_functional().save_weights(tmp_path / "model.weights.h5")
    other.as_functional().load_weights(tmp_path / "model.weights.h5")
    for left, right in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
