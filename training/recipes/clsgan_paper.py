"""The paper's plain CLS-GAN: `python -m training.fit --model clsgan --recipe paper`.

Sources: networks, batch 64, Adam 1e-3 with beta1 0.5 and a rate that falls to 0.8 of it every 25
epochs, uniform noise and weights from N(0, 0.02) are section 7.2 and Table 1 of arXiv 1701.06264v3;
the margin scale is that of the official code; lambda and gamma are 1, within the grids of the
paper's cross-validation. A stair is here 25 passes over 50,000 images (19,531 steps), whatever part
of them is labelled. The length is this project's choice: the paper says none. Left out is its
weight decay, whose value is unstated. Not run yet.
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
    learning_rate_decay="stairs",
    decay_factor=0.8,
    decay_every=19_531,
)
