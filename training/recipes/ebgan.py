"""Recipes of EBGAN: `python -m training.fit --model ebgan`."""

from training.options.autoencoder import AutoEncoderNetworkOptions
from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST
from zoo.models import EnergyBased

DEFAULT = Recipe(
    model="ebgan", objective=EnergyBased(pull_away=0.1), networks=AutoEncoderNetworkOptions()
).with_options(
    generator_network="dcgan",
    reconstruction="l2",
    critic_normalization="none",
    generator_learning_rate=1e-3,
    critic_learning_rate=1e-3,
    beta_1=0.5,
)
"""Any image data: `--data DATA`.

Squared errors, weight 0.1 of the pull-away term and a DCGAN generator are those of the paper.
This project's choice: the margin, for errors that are means, the auto-encoder, which is BEGAN's,
Adam and its rates, and averaged weights. Not run yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS | {"critic_filters": 32}),
    # `--data fashion_mnist`: the budget of all models, with smaller layers. Not run yet.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST | {"critic_filters": 16}),
}
