"""LSGAN-GP: `python -m training.fit --model lsgan --recipe gp --data DATA`. Not run yet.

From xudonmao/improved_LSGAN: DRAGAN's penalty with noise 30 and weight 150 beside a loss summed
over a batch of 64 (so 150 / 64 beside a mean), Adam 1e-4 with betas (0.5, 0.9), targets (0, 1, 1),
layer normalisation in the critic, one critic step.
"""

import dataclasses

from training.recipes import lsgan

RECIPE = dataclasses.replace(
    lsgan.RECIPE,
    scheme="binary",
    penalty="dragan",
    penalty_weight=150 / 64,
    penalty_noise=30.0,
    critic_normalization="layer",
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    beta_2=0.9,
    steps=100_000,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
)
