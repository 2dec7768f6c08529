"""CLS-GAN on the embedded digits: `python -m training.fit --model clsgan`."""

import dataclasses

from training.recipes import clsgan

RECIPE = dataclasses.replace(
    clsgan.RECIPE,
    labels=100,
    steps=2400,
    report_every=300,
    checkpoint_every=600,
    latent_dim=64,
    generator_filters=128,
    critic_filters=32,
    control=True,
)
