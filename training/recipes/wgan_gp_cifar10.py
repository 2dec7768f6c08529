"""WGAN-GP on CIFAR-10: `python -m training.fit --model wgan_gp --data cifar10`. Not run yet.

From gan_cifar.py in igul222/improved_wgan_training: penalty weight 10, Adam 1e-4 with betas (0.5,
0.9), 5 critic steps, batch 64, z 128, 200,000 steps, 512 channels at 4x4, a critic of 128, 256, 512
channels without normalisation, no average. Its convolutions are 5x5, those of the DCGAN nets 4x4.
"""

import dataclasses

from training.recipes import wgan_gp

RECIPE = dataclasses.replace(
    wgan_gp.RECIPE,
    data="cifar10",
    steps=200_000,
    report_every=1000,
    checkpoint_every=1000,
    critic_filters=128,
    ema=None,
)
