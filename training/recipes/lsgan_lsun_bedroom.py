"""LSGAN, bedrooms of 112x112: `python -m training.fit --model lsgan --data lsun/bedroom`.

From vgg.py of xudonmao/LSGAN: the scene nets, z 1024 uniform, targets (0, 1, 1), Adam 1e-3 with
beta1 0.5, batch 64, the critic step's latents in the generator step, no average, a million steps at
most. Its images are resized without a crop; here the centred square is taken. Not run yet.
"""

import dataclasses

from training.recipes import lsgan

RECIPE = dataclasses.replace(
    lsgan.RECIPE,
    data="lsun/bedroom",
    image_size=112,
    network="scene",
    scheme="binary",
    latent_dim=1024,
    latent="uniform",
    shared_latents=True,
    generator_filters=256,
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
    steps=1_000_000,
    report_every=2000,
    checkpoint_every=2000,
    ema=None,
)
