"""LGAN on CIFAR-10: `python -m training.fit --model lgan --data cifar10`. Not run yet.

From sobolev_cifar10.py in ZhimingZhou/LGANs-for-reproduce: the residual nets of 128 channels, MaxGP
of weight 0.1 without buffer, Adam 2e-4 with betas (0, 0.9) and epsilon 1e-8, both rates down to 0
over 100,000 steps, 5 critic steps of 64, generator steps of 128, z 128 normal, average 0.99. Every
phi by `--phi`. Images are scaled by 127.5 here, by 128 there.
"""

import dataclasses

from training.recipes import lgan

RECIPE = dataclasses.replace(
    lgan.RECIPE,
    data="cifar10",
    network="resnet",
    generator_filters=128,
    critic_filters=128,
)
