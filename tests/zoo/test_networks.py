"""Networks: shapes at any size, what cannot be made, config round trip."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.networks import CLSGANFeatures, DCGANCritic, DCGANGenerator


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (112, 112, 3)])
def test_dcgan_pair_makes_and_scores_any_size(shape):
    generator = DCGANGenerator(shape, latent_dim=6, base_filters=16)
    critic = DCGANCritic(shape, filters=4)
    images = generator(tf.random.stateless_normal((2, 6), (0, 0)))
    assert images.shape == (2, *shape)
    assert np.abs(images).max() <= 1.0
    assert critic(images).shape == (2,)


def test_conditional_generator_depends_on_the_label():
    generator = DCGANGenerator((8, 8, 1), latent_dim=6, base_filters=16, num_classes=3)
    latent = tf.random.stateless_normal((2, 6), (0, 0))
    one, two = (generator({"latent": latent, "label": tf.constant(y)}) for y in ([0, 0], [1, 1]))
    assert np.abs(one - two).max() > 0


@pytest.mark.parametrize("size", [4, 9, 29, 30])
def test_size_that_cannot_be_made_names_the_nearest(size):
    with pytest.raises(ValueError, match="nearest are"):
        DCGANGenerator((size, size, 1))


def test_critic_score_is_not_squashed():
    """A sigmoid before least squares or Wasserstein would be another method."""
    critic = DCGANCritic((8, 8, 1), filters=4)
    critic.score.kernel.assign(critic.score.kernel * 1e6)
    assert np.abs(critic(tf.random.stateless_normal((8, 8, 8, 1), (0, 0)))).max() > 1.0


def test_classifier_features_are_the_papers():
    """Table 1 of the paper: nine convolutions, 96 then 192, two of stride 2."""
    network = CLSGANFeatures((32, 32, 3))
    shapes = [tuple(layer.kernel.shape) for layer in network.convolutions]
    assert [s[0] for s in shapes] == [3, 3, 4, 3, 3, 4, 3, 3, 1]
    assert [s[3] for s in shapes] == [96] * 3 + [192] * 6
    assert network(tf.zeros((2, 32, 32, 3))).shape == (2, 8, 8, 192)


NETWORKS = [
    lambda: DCGANGenerator((8, 8, 1), latent_dim=6, base_filters=8, latent="uniform"),
    lambda: DCGANGenerator((8, 8, 3), base_filters=8, num_classes=4, normalization="layer"),
    lambda: DCGANCritic((8, 8, 1), filters=4, normalization="none"),
    lambda: CLSGANFeatures((8, 8, 1), filters=4, normalization="none", dropout=0.3),
]


@pytest.mark.parametrize("make", NETWORKS)
def test_config_round_trip_keeps_every_argument_and_output(make):
    network = make()
    twin = clone(network)
    assert twin.get_config() == network.get_config()
    inputs = keras.tree.map_structure(
        lambda tensor: tf.ones((2, *tensor.shape[1:]), tensor.dtype), network.symbolic_inputs()
    )
    np.testing.assert_array_equal(network(inputs), twin(inputs))
    assert not {id(v) for v in network.variables} & {id(v) for v in twin.variables}


def test_average_moves_by_the_ramped_decay_and_copies_statistics():
    """At step 0 d = min(0.9, 1/10): a <- 0.1 a + 0.9 w."""
    network = DCGANGenerator((8, 8, 1), latent_dim=2, base_filters=4)
    average = clone(network)
    for variable in network.variables:
        variable.assign(tf.ones_like(variable) * 2)
    for variable in average.variables:
        variable.assign(tf.ones_like(variable))
    update_average(average, network, decay=0.9, step=tf.constant(0, tf.int64))
    trainable = {v.path.split("/", 1)[1] for v in network.trainable_variables}
    assert len(trainable) < len(average.variables)
    for variable in average.variables:
        expected = 1.9 if variable.path.split("/", 1)[1] in trainable else 2.0
        np.testing.assert_allclose(variable, expected, rtol=1e-6)
