"""WGAN on bedrooms of 64x64: `python -m training.fit --model wgan --data lsun/bedroom`.

From martinarjovsky/WassersteinGAN, main.py: RMSProp 5e-5, clipping to 0.01 before each of 5 critic
steps, batch 64, z 100 normal, DCGAN nets with batch normalisation, no average. Left out: 100 critic
steps for the first 25 generator steps and every 500th (see `wgan.py`). The length is this project's
choice. Not run yet.
"""

import dataclasses

from training.recipes import wgan

RECIPE = dataclasses.replace(
    wgan.RECIPE,
    data="lsun/bedroom",
    image_size=64,
    steps=200_000,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
)
