"""LSGAN, many classes: `python -m training.fit --model lsgan --recipe many_classes --data DIR`.

From mcgan.py of xudonmao/Multi-class_GAN on HWDB1.0 (3740 characters, 28x28 grey; not in TFDS: give
a folder with a sub-folder a class): its networks, with the one-hot label through a linear map to
256, one of each network: beside z, and beside the outputs of three layers of the critic; z 1024
uniform, targets (0, 1, 1), Adam 2e-4 with beta1 0.5, batch 64, no average. This project's: the
length, fresh latents in the generator step, initialisers (those of the same author's scene nets).
Not run yet.
"""

import dataclasses

from training.recipes import lsgan

RECIPE = dataclasses.replace(
    lsgan.RECIPE,
    image_size=28,
    network="characters",
    scheme="binary",
    conditional="embedding",
    label_dim=256,
    latent_dim=1024,
    latent="uniform",
    generator_filters=128,
    steps=100_000,
    report_every=1000,
    checkpoint_every=1000,
    ema=None,
)
