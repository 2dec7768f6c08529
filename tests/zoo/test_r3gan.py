"""R3GAN: its losses by hand, and its networks."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.gradients import input_gradient
from zoo.layers.grouped_convolution import GroupedConvolution
from zoo.layers.resampling import double, halve
from zoo.models import RelativisticPair
from zoo.models.examples import Examples
from zoo.networks import R3GANCritic, R3GANGenerator
from zoo.networks.r3gan import InvertedBottleneck, stage_widths


def normal(*shape, seed=0):
    return tf.random.stateless_normal(shape, (seed, 1))


def test_pairs_are_compared_image_by_image():
    """Real 1, 3 and fake -1, 4: the critic's logits are -2 and 1, the generator's 2 and -1."""
    real = Examples(None, scores=tf.constant([1.0, 3.0]))
    fake = Examples(None, scores=tf.constant([-1.0, 4.0]))
    critic = RelativisticPair().critic_losses(real, fake)["pair_loss"]
    generator = RelativisticPair().generator_losses(fake, real)["generator_loss"]
    np.testing.assert_allclose(critic, np.log1p(np.exp([-2, 1])), rtol=1e-6)
    np.testing.assert_allclose(generator, np.log1p(np.exp([2, -1])), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("jit", [False, True])
def test_grouped_convolution_is_a_convolution_with_a_block_diagonal_kernel(dtype, jit):
    """Values, and the derivative of a gradient penalty with respect to the kernel.

    TensorFlow's own operation has no such gradient on CPUs in float16.
    """
    layer = GroupedConvolution(6, 3, padding="same", groups=2, use_bias=False)
    layer.build((None, 5, 5, 4))
    mask = np.kron(np.eye(2), np.ones((2, 3))).astype("float32")
    images = tf.cast(normal(3, 5, 5, 4), dtype)

    def grouped(x, kernel):
        return layer.convolution_op(x, kernel)

    def dense(x, kernel):
        return tf.nn.conv2d(x, tf.tile(kernel, (1, 1, 2, 1)) * tf.cast(mask, dtype), 1, "SAME")

    def value_and_slope(convolve, kernel):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            gradient = input_gradient(lambda x: tf.square(convolve(x, kernel)), images)
            penalty = tf.reduce_sum(tf.square(gradient))
        return convolve(images, kernel), penalty, tape.gradient(penalty, kernel)

    kernel = tf.cast(layer.kernel, dtype)
    one, other = (
        tf.function(value_and_slope, jit_compile=jit)(convolve, kernel)
        for convolve in (grouped, dense)
    )
    for left, right in zip(one, other, strict=True):
        left, right = (np.asarray(values, np.float32) for values in (left, right))
        tolerance = 1e-5 if dtype == "float32" else 2e-2
        assert np.abs(left - right).max() <= tolerance * np.abs(right).max()


def test_many_groups_are_one_operation():
    layer = GroupedConvolution(34, 3, padding="same", groups=17, use_bias=False)
    layer.build((None, 4, 4, 34))
    images = normal(2, 4, 4, 34)
    parts = [
        tf.nn.conv2d(
            images[..., 2 * i : 2 * i + 2], layer.kernel[..., 2 * i : 2 * i + 2], 1, "SAME"
        )
        for i in range(17)
    ]
    np.testing.assert_allclose(layer(images), tf.concat(parts, axis=-1), atol=1e-5)


def test_resampling_by_hand():
    """A row (4, 8) doubles to (3, 5, 7, 6) and halves to (4 * 3 + 8 * 3) / 8 = 4.5."""
    row = tf.reshape([4.0, 8.0], (1, 1, 2, 1))
    ones = tf.ones((1, 2, 1, 1))
    doubled = double(row)[0, :, :, 0]
    np.testing.assert_allclose(doubled, 0.75 * np.array([[3.0, 5.0, 7.0, 6.0]] * 2), rtol=1e-6)
    np.testing.assert_allclose(halve(row * ones)[0, :, :, 0], [[0.75 * 4.5]], rtol=1e-6)


def test_resampling_keeps_constants_inside():
    images = tf.ones((1, 8, 8, 2))
    np.testing.assert_allclose(double(images)[:, 1:-1, 1:-1], np.ones((1, 14, 14, 2)), rtol=1e-6)
    np.testing.assert_allclose(halve(images)[:, 1:-1, 1:-1], np.ones((1, 2, 2, 2)), rtol=1e-6)


def test_blocks_start_as_the_identity_with_fixups_scale():
    """The last kernel is 0; the others have deviation sqrt(2 / 1.04) * 8^(-1/4) / sqrt(fan-in)."""
    block = InvertedBottleneck(64, blocks=8)
    images = normal(2, 4, 4, 64)
    np.testing.assert_array_equal(block(images), images)
    gain = np.sqrt(2 / 1.04) * 8**-0.25
    assert block.convolution.groups == 8
    assert np.std(block.expand.kernel) == pytest.approx(gain / np.sqrt(64), rel=0.05)
    assert np.std(block.convolution.kernel) == pytest.approx(gain / np.sqrt(9 * 16), rel=0.05)


def test_networks_for_cifar10_have_the_released_codes_parameters():
    """768 channels in four stages of two blocks, 96 groups.

    A block: 2 * 768 * 1536 + 9 * 16 * 1536 + 2 * 1536 = 2,583,552. G: dense 64 * 768, map 16 * 768,
    last 3 * 768. D: first 3 * 768, map 16 * 768, dense 768.
    """
    assert stage_widths(768, 4) == [768] * 4 and stage_widths(768, 6)[-2:] == [384, 192]
    block = InvertedBottleneck(768, blocks=8)
    block.build((None, 4, 4, 768))
    assert block.count_params() == 2_583_552 and block.convolution.groups == 96
    small = R3GANGenerator((32, 32, 3), filters=16), R3GANCritic((32, 32, 3), filters=16)
    of_block = 2 * 16 * 32 + 9 * 16 * 32 + 2 * 32
    assert small[0].count_params() == 8 * of_block + 64 * 16 + 16 * 16 + 3 * 16
    assert small[1].count_params() == 8 * of_block + 3 * 16 + 16 * 16 + 16


def test_images_are_clipped_outside_of_training_alone():
    generator = R3GANGenerator((8, 8, 1), latent_dim=3, filters=4)
    generator.output_layer.kernel.assign(100.0 * generator.output_layer.kernel)
    latents = normal(4, 3)
    raw, images = (np.asarray(generator(latents, training=t)) for t in (True, False))
    assert np.abs(raw).max() > 1.0
    np.testing.assert_array_equal(np.clip(raw, -1.0, 1.0), images)
