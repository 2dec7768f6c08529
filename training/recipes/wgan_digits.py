"""Embedded digits: `python -m training.fit --model wgan`, minutes on two CPU cores.

Smaller networks than the recipe of the model; all constants here are this project's choice.
"""

import dataclasses

from training.recipes import wgan

RECIPE = dataclasses.replace(
    wgan.RECIPE,
    steps=1000,
    report_every=100,
    checkpoint_every=100,
    latent_dim=32,
    generator_filters=128,
    critic_filters=64,
    generator_learning_rate=2e-4,
    critic_learning_rate=2e-4,
    clip_bound=0.05,
)
