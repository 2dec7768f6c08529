"""Recipes of the original GAN: `python -m training.fit --model gan`."""

from training.recipe import Recipe
from training.recipes.shared import CELEB_A, DIGITS, FASHION_MNIST, POINTS
from zoo.models import Classic

DEFAULT = Recipe(model="gan", objective=Classic()).with_options(shared_latents=True)
"""Any image data: `--data DATA`.

Adam 2e-4 with beta1 0.5, batch 64, z 100 normal and the DCGAN networks are those of
soumith/dcgan.torch, main.lua, whose generator step uses the fakes of the critic step. Not run yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST),
    # `--data celeb_a`: soumith/dcgan.torch, main.lua, with 25 epochs. The crop and the mirroring
    # are this project's choice. Not run yet.
    "celeb_a": DEFAULT.with_options(**CELEB_A),
    # `--data ring`: sig.py of xudonmao/LSGAN, without its one mode of double weight.
    "ring": DEFAULT.with_options(**POINTS),
}
