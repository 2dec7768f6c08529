"""Fashion-MNIST, 1,000 labels: `python -m training.fit --model clsgan --data fashion_mnist`.

The recipe for MNIST with the paper's network, images mirrored, and turned and moved less, and
unlabelled images counting less. Measured with seed 0: test error 26.06 %, and 20.71 % for the
supervised control, so it does not help here yet; at full weight of the unlabelled images the error
rose as training went on.
"""

import dataclasses

from training.recipes import clsgan_mnist

RECIPE = dataclasses.replace(
    clsgan_mnist.RECIPE,
    data="fashion_mnist",
    image_size=None,
    network="clsgan",
    dropout=0.2,
    labels=1000,
    shift=2,
    rotate=5.0,
    zoom=0.1,
    flip=True,
    steps=2000,
    report_every=250,
    checkpoint_every=250,
    ema=0.999,
    unlabelled_weight=0.3,
    confidence=0.95,
)
