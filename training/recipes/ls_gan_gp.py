"""LS-GAN-GP: `python -m training.fit --model ls_gan --recipe gp`. Not run yet.

From lsgan-gp.py in maple-research-lab/glsgan-gp: gradient penalty of weight 10 at real images, norm
over the channels of each pixel; Adam 2e-4 with betas (0.5, 0.999), batch 64, z 100 normal and fresh
in the generator step, no batch normalisation in the critic, linear output, 25 epochs of CelebA. It
crops faces with a detector; here the crop is the centred square.
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
    penalty="per_pixel",
    penalty_weight=10.0,
    critic_normalization="none",
    generator_learning_rate=2e-4,
    critic_learning_rate=2e-4,
    latent="normal",
    shared_latents=False,
)
