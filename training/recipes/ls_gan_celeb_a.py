"""LS-GAN on faces of 64x64: `python -m training.fit --model ls_gan --data celeb_a`. Not run yet.

From lsgan.lua in guojunq/lsgan: the nets, Adam 1e-4 with beta1 0.5, batch 64, z 100 uniform, the
critic step's fakes in the generator step, margin 0.0002 a pixel and channel (scale 2.4576), a final
ReLU, mirroring, no average, 25 epochs (63,600 steps of the 162,770 training images of TFDS). Its
loader takes random crops; here the crop is the centred square.
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
    output_activation="relu",
)
