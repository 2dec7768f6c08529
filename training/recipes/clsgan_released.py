"""CLS-GAN as released, supervised: `python -m training.fit --model clsgan --recipe released`.

From clsgan.lua of guojunq/lsgan on CIFAR-10: its critic (class layer without bias) and generator,
margin 0.0008 a pixel and channel at 32x32 (scale 2.4576), both terms of weight 1, Adam 1e-3 with
beta1 0.5 at a constant rate, batch 64, z 100 normal, the critic step's fakes in the generator step,
no average, 25 epochs (19,531 steps of 50,000 images). It takes the images in stored order, and its
test error with the critic still in training mode; neither is done here. The class layer begins at
Keras' own initialiser, of the same spread. `--data mnist --image-size 32` is its other use. Not run
yet.
"""

import dataclasses

from training.recipes import clsgan_paper

RECIPE = dataclasses.replace(
    clsgan_paper.RECIPE,
    labels="all",
    network="clsgan_released",
    head_bias=False,
    critic_filters=64,
    latent="normal",
    shared_latents=True,
    learning_rate_decay="none",
    decay_factor=None,
    decay_every=None,
    steps=19_531,
)
