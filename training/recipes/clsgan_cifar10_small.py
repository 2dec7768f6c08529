"""CIFAR-10, 4,000 labels, small: `python -m training.fit --model clsgan --recipe cifar10_small`.

The recipe for MNIST on colour images, wider and not turned, so that it runs on two CPU cores;
`--recipe cifar10` has the paper's networks. A start and no more: after its 1,000 steps the
supervised control is better (`results/README.md`).
"""

import dataclasses

from training.recipes import clsgan_mnist

RECIPE = dataclasses.replace(
    clsgan_mnist.RECIPE,
    data="cifar10",
    labels=4000,
    steps=1000,
    report_every=250,
    checkpoint_every=250,
    rotate=0.0,
    zoom=0.1,
    flip=True,
    generator_filters=128,
    critic_filters=24,
)
