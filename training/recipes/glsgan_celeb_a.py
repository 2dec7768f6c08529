"""GLS-GAN on faces of 64x64: `python -m training.fit --model glsgan --data celeb_a`. Not run yet.

From glsgan.lua in guojunq/glsgan: the nets, Adam 2e-4 with beta1 0.5, batch 64, z 100 uniform, the
critic step's fakes in the generator step, slope 0, all critic weights clipped to 0.08 after each
step, margin 0.0002 a pixel and channel (scale 2.4576), no average, 50 epochs (127,200 steps of the
162,770 training images of TFDS). The crop is the centred square.
"""

import dataclasses

from training.recipes import glsgan

RECIPE = dataclasses.replace(
    glsgan.RECIPE,
    data="celeb_a",
    image_size=64,
    flip=True,
    steps=127_200,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
)
