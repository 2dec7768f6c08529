"""CLS-GAN on the embedded digits: `python -m training.fit --model clsgan`.

100 labels, the supervised control beside it. The additions to the paper are fields: classes by the
averaged critic, only where it is sure, with their cross-entropy; the ramp, dropout, averaged
weights, a small margin, and weak augmentation (which the control has too).

Measured with `--seeds 3`, a CPU core each: test error 2.92 +- 1.59 %, control 4.25 +- 1.32 %.
"""

import dataclasses

from training.recipes import clsgan

RECIPE = dataclasses.replace(
    clsgan.RECIPE,
    labels=100,
    steps=2400,
    report_every=300,
    checkpoint_every=600,
    rotate=20.0,
    zoom=0.15,
    latent_dim=64,
    generator_filters=128,
    critic_filters=32,
    critic_learning_rate=1e-3,
    ema=0.99,
    unlabelled_ramp=0.1,
    unlabelled_cross_entropy=1.0,
    confidence=0.9,
    control=True,
)
