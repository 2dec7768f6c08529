"""Recipes of f-GAN: `python -m training.fit --model f_gan`. All constants are this project's."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST
from zoo.models import FDivergence

DEFAULT = Recipe(model="f_gan", objective=FDivergence())
"""Any image data: `--data DATA`, with `--divergence` for another one than KL. Not run yet."""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS),
    # `--data fashion_mnist`: the budget of all models. Not run yet.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST),
}
