"""What the recipes of toy data share: the perceptrons of LSGAN's ring of Gaussians.

2 x 128 tanh, z 256 normal, batch 512, Adam with beta1 0.5, rates 1e-4 (critic) and 1e-3 (G), no
normalisation: ls.py and sig.py of xudonmao/LSGAN, which run 35,000 steps.
"""

from typing import Any

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
