"""The losses of RaGAN, by hand."""

import numpy as np
import tensorflow as tf

from zoo.models import RelativisticAverage
from zoo.models.examples import Examples


def test_scores_are_compared_with_the_mean_of_the_others():
    """Means 2 and 0: softplus(0 - 1), softplus(0 - 3); softplus(-1 - 2), softplus(1 - 2); ..."""
    real = Examples(None, scores=tf.constant([1.0, 3.0]))
    fake = Examples(None, scores=tf.constant([-1.0, 1.0]))
    critic = RelativisticAverage().critic_losses(real, fake)
    generator = RelativisticAverage().generator_losses(fake, real)
    expected = {"critic_loss_real": [-1, -3], "critic_loss_fake": [-3, -1]}
    expected |= {"generator_loss_fake": [3, 1], "generator_loss_real": [1, 3]}
    for name, logits in expected.items():
        values = (critic | generator)[name]
        np.testing.assert_allclose(values, np.log1p(np.exp(logits)), rtol=1e-6)
