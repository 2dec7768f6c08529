"""Recipes of RaGAN: `python -m training.fit --model ragan`. All constants are this project's."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS
from zoo.models import RelativisticAverage

DEFAULT = Recipe(model="ragan", objective=RelativisticAverage())

# Not run yet, except for `--data digits`: minutes on two CPU cores.
RECIPES: dict[str, Recipe] = {"": DEFAULT, "digits": DEFAULT.with_options(**DIGITS)}
