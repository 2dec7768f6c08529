"""Embedded digits: `python -m training.fit --model hinge`, minutes on two CPU cores.

Smaller networks than the recipe of the model; all constants here are this project's choice.
"""

import dataclasses

from training.recipes import hinge

RECIPE = dataclasses.replace(
    hinge.RECIPE,
    steps=3000,
    report_every=300,
    checkpoint_every=300,
    latent_dim=32,
    generator_filters=128,
    critic_filters=64,
)
