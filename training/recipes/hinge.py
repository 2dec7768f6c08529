"""Recipes of the hinge GAN: `python -m training.fit --model hinge`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST
from zoo.models import Hinge

DEFAULT = Recipe(model="hinge", objective=Hinge()).with_options(critic_normalization="layer")
"""Any image data: `--data DATA`. Not run yet."""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST),
}
