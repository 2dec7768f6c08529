"""Recipes of BEGAN: `python -m training.fit --model began`."""

from training.options.autoencoder import AutoEncoderNetworkOptions
from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST
from zoo.models import BoundaryEquilibrium

DEFAULT = Recipe(
    model="began", objective=BoundaryEquilibrium(), networks=AutoEncoderNetworkOptions()
).with_options(
    latent_dim=64,
    latent="uniform",
    generator_filters=64,
    critic_filters=64,
    generator_normalization="none",
    critic_normalization="none",
    batch_size=16,
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    beta_1=0.5,
)
"""Any image data: `--data DATA`.

Batch 16, Adam 1e-4, z 64 uniform, codes of 64, absolute errors, ELU and no normalisation are those
of the paper, section 4, for 64 x 64 pixels. This project's choice: beta1 0.5, no decay of the rates
(the paper halves them when the convergence measure stalls), and averaged weights. Not run yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: smaller networks, for minutes on two CPU cores. Not run to its end yet.
    "digits": DEFAULT.with_options(**DIGITS | {"generator_filters": 32, "critic_filters": 32}),
    # `--data fashion_mnist`: the budget of all models, with smaller layers. Not run yet.
    "fashion_mnist": DEFAULT.with_options(
        **FASHION_MNIST | {"generator_filters": 16, "critic_filters": 16}
    ),
}
