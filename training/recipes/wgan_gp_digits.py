"""Embedded digits: `python -m training.fit --model wgan_gp`, minutes on two CPU cores.

Smaller networks than the recipe of the model; all constants here are this project's choice.
"""

import dataclasses

from training.recipes import wgan_gp

RECIPE = dataclasses.replace(
    wgan_gp.RECIPE,
    steps=1000,
    report_every=100,
    checkpoint_every=100,
    latent_dim=32,
    generator_filters=128,
    critic_filters=64,
)
