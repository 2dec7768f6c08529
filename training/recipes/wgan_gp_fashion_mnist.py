"""Fashion-MNIST: `python -m training.fit --model wgan_gp --data fashion_mnist`.

One budget for all models on this data set, to compare them: 10,000 updates of a network (2,500 of
the generator, 7,500 of the critic), batches of 64, the same small networks, rates of 2e-4. The
other constants are those of the model's recipe. Scores: `docs/presets.md`.
"""

import dataclasses

from training.recipes import wgan_gp

RECIPE = dataclasses.replace(
    wgan_gp.RECIPE,
    data="fashion_mnist",
    steps=2500,
    report_every=250,
    checkpoint_every=250,
    latent_dim=64,
    generator_filters=128,
    critic_filters=32,
    critic_steps=3,
    generator_learning_rate=2e-4,
    critic_learning_rate=2e-4,
)
