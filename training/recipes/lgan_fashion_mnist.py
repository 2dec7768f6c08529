"""Fashion-MNIST: `python -m training.fit --model lgan --data fashion_mnist`.

One budget for all models on this data set, to compare them: 10,000 updates of a network (5,000
each), batches of 64, the same small networks, rates of 2e-4. The other constants are those of the
model's recipe. Scores: `docs/presets.md`.
"""

import dataclasses

from training.recipes import lgan

RECIPE = dataclasses.replace(
    lgan.RECIPE,
    data="fashion_mnist",
    steps=5000,
    report_every=500,
    checkpoint_every=500,
    latent_dim=64,
    generator_filters=128,
    critic_filters=32,
    critic_steps=1,
    generator_batches=1,
    ema=0.999,
    learning_rate_decay="none",
)
