"""The exponential moving average of weights."""

import numpy as np
import tensorflow as tf

from zoo.ema import clone, update_average
from zoo.networks import DCGANGenerator


def test_average_moves_by_the_ramped_decay_and_copies_statistics():
    """At step 0, d = min(0.9, 1/10) and a <- 0.1 a + 0.9 w."""
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
