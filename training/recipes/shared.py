"""Settings that the recipes of several models share."""

from typing import Any

DIGITS: dict[str, Any] = {
    "steps": 3000,
    "report_every": 300,
    "checkpoint_every": 300,
    "latent_dim": 32,
    "generator_filters": 128,
    "critic_filters": 64,
}
"""Embedded digits, minutes on two CPU cores: smaller networks than the default of the model. All
constants are this project's choice."""

FASHION_MNIST: dict[str, Any] = {
    "data": "fashion_mnist",
    "steps": 5000,
    "report_every": 500,
    "checkpoint_every": 500,
    "latent_dim": 64,
    "generator_filters": 128,
    "critic_filters": 32,
}
"""One budget for all models on Fashion-MNIST, to compare them: 10,000 updates of a network (5,000
each), batches of 64, the same small networks, learning rates of 2e-4. Scores: `docs/presets.md`."""

FASHION_MNIST_WASSERSTEIN: dict[str, Any] = FASHION_MNIST | {
    "steps": 2500,
    "report_every": 250,
    "checkpoint_every": 250,
    "critic_steps": 3,
    "generator_learning_rate": 2e-4,
    "critic_learning_rate": 2e-4,
}
"""The same budget of 10,000 updates: 2,500 of the generator, 7,500 of the critic."""

CELEB_A: dict[str, Any] = {
    "data": "celeb_a",
    "image_size": 64,
    "flip": True,
    "steps": 63_600,
    "report_every": 1000,
    "checkpoint_every": 1000,
    "ema": None,
}
"""Faces of 64 x 64 pixels, mirrored, for 25 epochs of TFDS' 162,770 training images, without
averaged weights. The crop is the centred square."""

POINTS: dict[str, Any] = {
    "data": "ring",
    "steps": 35_000,
    "report_every": 5000,
    "checkpoint_every": 5000,
    "batch_size": 512,
    "network": "mlp",
    "activation": "tanh",
    "generator_filters": 128,
    "critic_filters": 128,
    "generator_normalization": "none",
    "critic_normalization": "none",
    "latent_dim": 256,
    "generator_learning_rate": 1e-3,
    "critic_learning_rate": 1e-4,
    "beta_1": 0.5,
    "epsilon": 1e-8,
    "shared_latents": True,
    "ema": None,
}
"""Toy points, with the perceptrons of LSGAN's ring of Gaussians: 2 x 128 tanh, z 256 normal, batch
512, Adam with beta1 0.5, rates 1e-4 (critic) and 1e-3 (generator), no normalisation, 35,000 steps:
ls.py and sig.py of xudonmao/LSGAN. For the 5 x 5 grid: `--recipe ring --data grid`. Outcome:
docs/theory.md."""
