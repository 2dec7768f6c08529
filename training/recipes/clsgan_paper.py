"""The paper's plain CLS-GAN: `python -m training.fit --model clsgan --recipe paper --data cifar10`.

Sources: networks, batch 64, Adam 1e-3 with beta1 0.5, uniform noise and weights from N(0, 0.02) are
section 7.2 and Table 1 of arXiv 1701.06264v3; the margin scale is that of the official code; lambda
and gamma are 1, within the grids of the paper's cross-validation. The paper multiplies the learning
rate by 0.8 every 25 epochs and has weight decay of an unstated value: neither is here. Not run on
CIFAR-10 yet; on digits see `--data digits` in the README's table.
"""

import dataclasses

from training.recipes import clsgan

RECIPE = dataclasses.replace(
    clsgan.RECIPE,
    labels=4000,
    data="cifar10",
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
    latent="uniform",
    critic_normalization="batch",
    margin_scale=2.4576,
    unlabelled_ramp=0.0,
    classes_by_average=False,
    dropout=0.0,
    ema=None,
)
