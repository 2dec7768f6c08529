"""Fashion-MNIST, 1,000 labels: `python -m training.fit --model clsgan --data fashion_mnist`.

The recipe for MNIST, its images mirrored, and turned and moved less. With seed 0 it ends at
18.09 %; with the paper's network, dropout, an average of 0.999 and unlabelled images counting
less it was 26.06 %, and which of these made the difference was not looked into. The supervised
control, with the same network and steps, is still a little better: `results/README.md`.
"""

import dataclasses

from training.recipes import clsgan_mnist

RECIPE = dataclasses.replace(
    clsgan_mnist.RECIPE,
    data="fashion_mnist",
    labels=1000,
    shift=2,
    rotate=5.0,
    zoom=0.1,
    flip=True,
    steps=2000,
    report_every=250,
    checkpoint_every=250,
)
