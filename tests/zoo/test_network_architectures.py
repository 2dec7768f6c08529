"""Network architectures: parameter counts, initialisers and values worked out by hand."""

import numpy as np
import tensorflow as tf

from zoo.networks import (
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
    make_critic,
)
from zoo.networks.resnet import ResidualBlock


def trainable(network):
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def test_critic_score_is_not_squashed():
    """A sigmoid before the least-squares or Wasserstein loss would change the method."""
    for name, shape in (("dcgan", (8, 8, 1)), ("resnet", (8, 8, 1)), ("mlp", (8, 8, 1))):
        critic = make_critic(name, image_shape=shape, filters=4)
        critic.score.kernel.assign(critic.score.kernel * 1e6)
        assert np.abs(critic(tf.random.stateless_normal((8, *shape), (0, 0)))).max() > 1.0


def test_classifier_features_are_the_papers():
    """Table 1 of the paper: nine convolutions with 96 then 192 channels, two of stride 2."""
    network = CLSGANFeatures((32, 32, 3))
    shapes = [tuple(layer.kernel.shape) for layer in network.convolutions]
    assert [s[0] for s in shapes] == [3, 3, 4, 3, 3, 4, 3, 3, 1]
    assert [s[3] for s in shapes] == [96] * 3 + [192] * 6
    assert network(tf.zeros((2, 32, 32, 3))).shape == (2, 8, 8, 192)


def test_dcgan_at_64_has_the_torch_codes_parameters():
    """soumith/dcgan.torch: no biases, BN on all but G's last layer and D's first and last layers.

    G: 100*512*16 + 512*256*16 + 256*128*16 + 128*64*16 + 64*3*16 + 2 (512 + 256 + 128 + 64).
    D: 3*64*16 + 64*128*16 + 128*256*16 + 256*512*16 + 512*16 + 2 (128 + 256 + 512).
    """
    assert trainable(DCGANGenerator((64, 64, 3))) == 3_576_704
    assert trainable(DCGANCritic((64, 64, 3))) == 2_765_568


def test_resnet_is_the_lgan_codes():
    """sobolev_cifar10.py: a block has two 3x3 convolutions of 147,584 parameters with biases.

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
    """With zero kernels, a resampling block equals its shortcut and a plain block the identity."""
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
    """The pooling is a mean over the 8 x 8 positions after ReLU, not a sum."""
    critic = ResNetCritic((32, 32, 1), filters=2)
    for layer in (critic.first_2, *(block.convolution_2 for block in critic.blocks)):
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    critic.first_shortcut.kernel.assign([[[[0.0, 0.0]]]])
    critic.first_shortcut.bias.assign([3.0, -3.0])
    critic.blocks[0].shortcut.kernel.assign(tf.eye(2)[None, None])
    critic.score.kernel.assign([[1.0], [1.0]])
    np.testing.assert_allclose(critic(tf.zeros((1, 32, 32, 1))), [3.0], rtol=1e-6)


def test_scene_network_is_the_released_codes():
    """vgg.py of xudonmao/LSGAN, 112 x 112 x 3 and 1024 latent dimensions, with biases.

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

    The class layer has the 4*4*256*10 weights of the script's last convolution.
    """
    network = ReleasedCLSGANFeatures((32, 32, 3))
    convolutions = 3_072 + 36_864 + 131_072 + 147_456 + 524_288 + 589_824
    assert trainable(network) == convolutions + 2 * (64 + 2 * 128 + 2 * 256)
    assert network(tf.zeros((2, 32, 32, 3))).shape == (2, 1, 1, 4 * 4 * 256)
    kernel = network.convolutions[5].kernel
    assert 0.0198 < np.std(kernel) < 0.0202


def test_mlp_is_the_ring_codes():
    """Orthogonal weights of gain 1.4 (W^T W = 1.96 I), zero biases, and points without tanh."""
    generator = MLPGenerator((2,), latent_dim=256, units=128, activation="tanh")
    kernel = np.asarray(generator.hidden[1].kernel)
    np.testing.assert_allclose(kernel.T @ kernel, 1.96 * np.eye(128), atol=1e-5)
    assert trainable(generator) == 256 * 128 + 128 + 128 * 128 + 128 + 2 * 128 + 2
    assert trainable(MLPCritic((4, 4, 1), units=8, depth=1)) == 16 * 8 + 8 + 8 + 1
    generator.output_layer.bias.assign([5.0, -7.0])
    generator.output_layer.kernel.assign(tf.zeros((128, 2)))
    np.testing.assert_allclose(generator(tf.zeros((1, 256))), [[5.0, -7.0]])
