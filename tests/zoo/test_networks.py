"""Networks: shapes at any size, what cannot be made, counts worked by hand, config round trip."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.models import LeastSquaresGAN
from zoo.networks import (
    NETWORKS,
    CLSGANFeatures,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    ReleasedCLSGANFeatures,
    ResNetCritic,
    ResNetGenerator,
    SceneCritic,
    SceneGenerator,
    check_image_size,
    make_critic,
    make_features,
    make_generator,
)
from zoo.networks.resnet import ResidualBlock

# Of the networks that cannot make 8 x 8.
SHAPES = {"scene": (64, 64, 1), "clsgan_released": (32, 32, 1), "characters": (16, 16, 1)}


def trainable(network):
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


SIZES = {
    "dcgan": [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3), (112, 112, 3), (128, 128, 4)],
    "resnet": [(8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 3)],
    "mlp": [(2,), (5, 3, 2), (28, 28, 1)],
    "scene": [(64, 64, 1), (112, 112, 3)],
}


@pytest.mark.parametrize(("name", "shape"), [(name, s) for name in SIZES for s in SIZES[name]])
def test_pair_makes_and_scores_any_size(name, shape):
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
@pytest.mark.parametrize("make", [DCGANGenerator, DCGANCritic, ResNetGenerator, ResNetCritic])
def test_size_that_cannot_be_made_names_the_nearest(make, size):
    with pytest.raises(ValueError, match="nearest are"):
        make((size, size, 1))


@pytest.mark.parametrize("size", [28, 48, 63, 128, 224])
def test_scene_network_makes_sixteen_times_4_to_7_pixels_only(size):
    for make in (SceneGenerator, SceneCritic):
        with pytest.raises(ValueError, match="64, 80, 96, 112 pixels, not of"):
            make((size, size, 3))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "mlp"])
def test_size_is_checked_by_name_without_building(name):
    check_image_size(name, (*SHAPES.get(name, (32, 32))[:2], 3))
    with pytest.raises(ValueError, match="nearest"):
        check_image_size(name, (30, 30, 3))
    with pytest.raises(ValueError, match=r"\(size, size, channels\)"):
        check_image_size(name, (2,))
    with pytest.raises(ValueError, match="nearest"):
        make_generator(name, image_shape=(30, 30, 3), latent_dim=2)


def test_released_script_reaches_a_map_of_4_to_7():
    with pytest.raises(ValueError, match="32, 40, 48, 56 pixels, not of 28"):
        ReleasedCLSGANFeatures((28, 28, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"latent_dim": 0}, "latent_dim"),
        ({"filters": 0}, "filters"),
        ({"latent": "gaussian"}, "`latent` must be one of"),
        ({"num_classes": -1}, "num_classes"),
        ({"normalization": "bacth"}, "`normalization` must be one of"),
        ({"depth": 3}, "has no option `depth`"),
        ({"activation": "tanh"}, "has no option `activation`"),
    ],
)
def test_value_that_cannot_be_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        make_generator("dcgan", **{"image_shape": (8, 8, 1), "latent_dim": 2, **change})


def test_option_or_part_that_a_network_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="Did you mean 'resnet'"):
        make_critic("resnt", image_shape=(8, 8, 1))
    for name in ("mlp", "resnet"):
        with pytest.raises(ValueError, match=f"critic of '{name}' has no option `normalization`"):
            make_critic(name, image_shape=(8, 8, 1), normalization="batch")
        make_critic(name, image_shape=(8, 8, 1), normalization="none", filters=2)
    with pytest.raises(ValueError, match="not a single score.*dcgan, resnet, mlp, scene"):
        make_critic("clsgan", image_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="clsgan, clsgan_released"):
        make_features("dcgan", image_shape=(8, 8, 1))
    with pytest.raises(ValueError, match="`dropout`"):
        make_features("clsgan_released", image_shape=(32, 32, 1), dropout=0.2)


def test_options_reach_the_network():
    """Every option of the table, seen in what is built."""
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


def test_critic_score_is_not_squashed():
    """A sigmoid before least squares or Wasserstein would be another method."""
    for name, shape in (("dcgan", (8, 8, 1)), ("resnet", (8, 8, 1)), ("mlp", (8, 8, 1))):
        critic = make_critic(name, image_shape=shape, filters=4)
        critic.score.kernel.assign(critic.score.kernel * 1e6)
        assert np.abs(critic(tf.random.stateless_normal((8, *shape), (0, 0)))).max() > 1.0


def test_classifier_features_are_the_papers():
    """Table 1 of the paper: nine convolutions, 96 then 192, two of stride 2."""
    network = CLSGANFeatures((32, 32, 3))
    shapes = [tuple(layer.kernel.shape) for layer in network.convolutions]
    assert [s[0] for s in shapes] == [3, 3, 4, 3, 3, 4, 3, 3, 1]
    assert [s[3] for s in shapes] == [96] * 3 + [192] * 6
    assert network(tf.zeros((2, 32, 32, 3))).shape == (2, 8, 8, 192)


def test_dcgan_at_64_has_the_torch_codes_parameters():
    """soumith/dcgan.torch: bias-free, BN on all but G's last and D's first and last layer.

    G: 100*512*16 + 512*256*16 + 256*128*16 + 128*64*16 + 64*3*16 + 2 (512 + 256 + 128 + 64).
    D: 3*64*16 + 64*128*16 + 128*256*16 + 256*512*16 + 512*16 + 2 (128 + 256 + 512).
    """
    assert trainable(DCGANGenerator((64, 64, 3))) == 3_576_704
    assert trainable(DCGANCritic((64, 64, 3))) == 2_765_568


def test_resnet_is_the_lgan_codes():
    """sobolev_cifar10.py: a block has two 3x3 convolutions, 147,584 each with biases.

    G: dense 264,192; three blocks of 2*147,584 + shortcut 16,512 + BN 512; BN 256; last 3,459.
    D: first 3,584 + 147,584 + 512; one of 311,680; two of 295,168; dense 129.
    """
    generator, critic = ResNetGenerator((32, 32, 3)), ResNetCritic((32, 32, 3))
    assert trainable(generator) == 264_192 + 3 * 312_192 + 256 + 3_459 == 1_204_483
    assert trainable(critic) == 151_680 + 311_680 + 2 * 295_168 + 129 == 1_053_825
    assert [block.resample for block in critic.blocks] == ["down", "none", "none"]
    assert [block.resample for block in generator.blocks] == ["up", "up", "up"]
    assert not any("gamma" in variable.path for variable in critic.variables)
    assert (generator.norm.momentum, generator.norm.epsilon) == (0.99, 1e-3)


def test_resnet_initialisers_are_he_and_xavier_uniform():
    """He-uniform on [-sqrt(6/n_in), .], Xavier-uniform on [-sqrt(6/(n_in + n_out)), .]."""
    generator, critic = ResNetGenerator((32, 32, 3)), ResNetCritic((32, 32, 3))
    block = generator.blocks[0]
    bounds = [
        (block.convolution_1, np.sqrt(6 / (9 * 128))),
        (critic.first_2, np.sqrt(6 / (9 * 128))),
        (block.shortcut, np.sqrt(6 / 256)),
        (generator.output_layer, np.sqrt(6 / (9 * 128 + 9 * 3))),
    ]
    for layer, bound in bounds:
        assert 0.99 * bound < np.abs(layer.kernel).max() <= bound
        np.testing.assert_array_equal(layer.bias, 0.0)


def test_residual_block_worked_by_hand():
    """1x1 image of ones, kernels zero: an up block is its shortcut, a plain one the identity."""
    for resample, expected in (("up", 6.0), ("down", 6.0), ("none", 3.0)):
        block = ResidualBlock(1, resample=resample, normalization="none")
        images = 3.0 * tf.ones((1, 2, 2, 1))
        block(images)
        block.convolution_1.kernel.assign(tf.zeros_like(block.convolution_1.kernel))
        if resample != "none":
            block.shortcut.kernel.assign([[[[2.0]]]])
        size = {"up": 4, "down": 1, "none": 2}[resample]
        np.testing.assert_allclose(block(images), np.full((1, size, size, 1), expected))
        assert block.compute_output_shape((1, 2, 2, 1)) == (1, size, size, 1)


def test_resnet_critic_averages_over_positions():
    """Mean pool, not sum: 1/64 of the sum over the 8 x 8 positions, after ReLU."""
    critic = ResNetCritic((32, 32, 1), filters=2)
    for layer in (critic.first_2, *(block.convolution_2 for block in critic.blocks)):
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    critic.first_shortcut.kernel.assign([[[[0.0, 0.0]]]])
    critic.first_shortcut.bias.assign([3.0, -3.0])
    critic.blocks[0].shortcut.kernel.assign(tf.eye(2)[None, None])
    critic.score.kernel.assign([[1.0], [1.0]])
    np.testing.assert_allclose(critic(tf.zeros((1, 32, 32, 1))), [3.0], rtol=1e-6)


def test_scene_network_is_the_released_codes():
    """vgg.py of xudonmao/LSGAN, 112 x 112 x 3 and z of 1024; biases everywhere.

    G: dense 12,857,600; four 3x3 256->256 of 590,080; 295,040; 73,792; 1,731; BN 2*(5*256+128+64).
    D: 4,864; 204,928; 819,456; 3,277,312; dense 25,089; BN 2*(128 + 256 + 512).
    """
    generator, critic = SceneGenerator((112, 112, 3)), SceneCritic((112, 112, 3))
    layers = 12_857_600 + 4 * 590_080 + 295_040 + 73_792 + 1_731
    assert trainable(generator) == layers + 2 * (5 * 256 + 128 + 64) == 15_591_427
    assert trainable(critic) == 4_864 + 204_928 + 819_456 + 3_277_312 + 25_089 + 1_792
    assert [up.strides[0] for up in generator.ups] == [2, 1, 2, 1, 2, 2, 1]
    assert (critic.norms[1].momentum, critic.norms[1].epsilon) == (0.9, 1e-5)
    assert generator.latent == "uniform"
    kernels = np.concatenate([np.ravel(down.kernel) for down in critic.downs])
    assert np.abs(kernels).max() <= 0.04 + 1e-6  # Truncated at two deviations of 0.02.
    deconvolutions = np.concatenate([np.ravel(up.kernel) for up in generator.ups])
    assert 0.0199 < deconvolutions.std() < 0.0201
    assert np.abs(deconvolutions).max() > 0.06


def test_released_cls_gan_critic_has_the_scripts_parameters():
    """clsgan.lua: 4x4x3x64, 3x3x64x64, 4x4x64x128, 3x3x128^2, 4x4x128x256, 3x3x256^2, BN.

    With the class layer 4*4*256*10 is that of the script's last convolution.
    """
    network = ReleasedCLSGANFeatures((32, 32, 3))
    convolutions = 3_072 + 36_864 + 131_072 + 147_456 + 524_288 + 589_824
    assert trainable(network) == convolutions + 2 * (64 + 2 * 128 + 2 * 256)
    assert network(tf.zeros((2, 32, 32, 3))).shape == (2, 1, 1, 4 * 4 * 256)
    kernel = network.convolutions[5].kernel
    assert 0.0198 < np.std(kernel) < 0.0202


def test_mlp_is_the_ring_codes():
    """Orthogonal weights of gain 1.4 (W^T W = 1.96 I), zero biases, no squashing of points."""
    generator = MLPGenerator((2,), latent_dim=256, units=128, activation="tanh")
    kernel = np.asarray(generator.hidden[1].kernel)
    np.testing.assert_allclose(kernel.T @ kernel, 1.96 * np.eye(128), atol=1e-5)
    assert trainable(generator) == 256 * 128 + 128 + 128 * 128 + 128 + 2 * 128 + 2
    assert trainable(MLPCritic((4, 4, 1), units=8, depth=1)) == 16 * 8 + 8 + 8 + 1
    generator.output_layer.bias.assign([5.0, -7.0])
    generator.output_layer.kernel.assign(tf.zeros((128, 2)))
    np.testing.assert_allclose(generator(tf.zeros((1, 256))), [[5.0, -7.0]])


def test_adversarial_model_trains_on_points_through_plain_fit():
    generator = MLPGenerator((2,), latent_dim=3, units=8)
    model = LeastSquaresGAN(generator, MLPCritic((2,), units=8), critic_steps=2, ema=0.9)
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
    lambda: MLPGenerator((2,), latent_dim=3, units=4, depth=3, activation="tanh", num_classes=2),
    lambda: MLPGenerator((3, 4, 2), latent_dim=3, units=4, latent="uniform"),
    lambda: MLPCritic((2,), units=4, depth=3, activation="selu"),
    lambda: ResNetGenerator((16, 16, 1), latent_dim=3, filters=4, normalization="layer"),
    lambda: ResNetGenerator((8, 8, 2), latent_dim=3, filters=4, latent="uniform", num_classes=2),
    lambda: ResNetCritic((16, 16, 1), filters=4),
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
def test_weights_survive_the_functional_view_that_presets_are_saved_through(make, tmp_path):
    network, other = make(), make()
    other.set_weights([np.full_like(weight, 0.5) for weight in other.get_weights()])
    network.as_functional().save_weights(tmp_path / "model.weights.h5")
    other.as_functional().load_weights(tmp_path / "model.weights.h5")
    for left, right in zip(network.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_average_moves_by_the_ramped_decay_and_copies_statistics():
    """At step 0 d = min(0.9, 1/10): a <- 0.1 a + 0.9 w."""
    network = DCGANGenerator((8, 8, 1), latent_dim=2, base_filters=4)
    average = clone(network)
    for variable in network.variables:
        variable.assign(tf.ones_like(variable) * 2)
    for variable in average.variables:
        variable.assign(tf.ones_like(variable))
    update_average(average, network, decay=0.9, step=tf.constant(0, tf.int64))
    trainable_paths = {v.path.split("/", 1)[1] for v in network.trainable_variables}
    assert len(trainable_paths) < len(average.variables)
    for variable in average.variables:
        expected = 1.9 if variable.path.split("/", 1)[1] in trainable_paths else 2.0
        np.testing.assert_allclose(variable, expected, rtol=1e-6)
