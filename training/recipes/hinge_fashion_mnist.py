"""Fashion-MNIST: `python -m training.fit --model hinge --data fashion_mnist`.

One budget for all models on this data set, to compare them: 10,000 updates of a network (5,000
each), batches of 64, the same small networks, rates of 2e-4. The other constants are those of the
model's recipe. Scores: `docs/presets.md`.
"""

import dataclasses

from training.recipes import hinge

RECIPE = dataclasses.replace(
    hinge.RECIPE,
    data="fashion_mnist",
    steps=5000,
    report_every=500,
    checkpoint_every=500,
    latent_dim=64,
    generator_filters=128,
    critic_filters=32,
)
