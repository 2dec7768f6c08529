"""LS-GAN as in the paper: `python -m training.fit --model ls_gan --recipe paper`. Not run yet.

From arXiv 1701.06264v3, section 7.2 and equation 8: all pairs of the batch, Adam 1e-3 with beta1
0.5, batch 64, z 100 uniform, raw output, CelebA for 25 epochs. The rate falls to 0.8 of it every 25
epochs, so not within this run: a longer one needs `--learning-rate-decay stairs --decay-factor 0.8
--decay-every 63600`. The paper gives no margin scale (here that of its code) and no value of its
weight decay (here none); crop and mirroring are this project's.
"""

import dataclasses

from training.recipes import ls_gan

RECIPE = dataclasses.replace(
    ls_gan.RECIPE,
    data="celeb_a",
    image_size=64,
    flip=True,
    steps=63_600,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
    pairs="all",
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
    shared_latents=False,
)
