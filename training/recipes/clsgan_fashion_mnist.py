"""Fashion-MNIST, 1,000 labels: `python -m training.fit --model clsgan --data fashion_mnist`.

The recipe for MNIST with images mirrored, and turned and moved less. Score, and that of the
supervised control: `docs/presets.md`.
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
    ema=0.999,
    unlabelled_weight=0.3,
    confidence=0.95,
)
