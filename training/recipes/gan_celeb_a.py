"""DCGAN on faces of 64x64: `python -m training.fit --model gan --data celeb_a`. Not run yet.

From soumith/dcgan.torch, main.lua: the nets, Adam 2e-4 with beta1 0.5, batch 64, z 100 normal, the
critic step's fakes in the generator step, no average, 25 epochs (63,600 steps of the 162,770
training images of TFDS). This project's: a centred crop, mirroring.
"""

import dataclasses

from training.recipes import gan

RECIPE = dataclasses.replace(
    gan.RECIPE,
    data="celeb_a",
    image_size=64,
    flip=True,
    steps=63_600,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
)
