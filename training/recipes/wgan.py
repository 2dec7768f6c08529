"""Recipes of WGAN (weight clipping): `python -m training.fit --model wgan`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST_WASSERSTEIN
from zoo.models import Wasserstein

DEFAULT = Recipe(model="wgan", objective=Wasserstein()).with_options(
    penalty="clip",
    optimizer="rmsprop",
    beta_1=0.0,
    beta_2=0.99,
    epsilon=1e-8,
    generator_learning_rate=5e-5,
    critic_learning_rate=5e-5,
    critic_steps=5,
)
"""Any image data: `--data DATA`.

RMSProp 5e-5, weights clipped to 0.01 before each of 5 critic steps, batch 64, z 100 normal and the
DCGAN networks with batch normalisation are those of martinarjovsky/WassersteinGAN, main.py. rho
0.99 and epsilon 1e-8 are the defaults of PyTorch, in which that code is written. Left out are its
100 critic steps for each of the first 25 generator steps and for every 500th: a step here uses the
same number of batches each time. `--critic-steps 100` uses that many always. Not run yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(
        **DIGITS | {"steps": 1000, "report_every": 100, "checkpoint_every": 100},
        generator_learning_rate=2e-4,
        critic_learning_rate=2e-4,
        clip_bound=0.05,
    ),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST_WASSERSTEIN, clip_bound=0.05),
    # `--data lsun/bedroom`: martinarjovsky/WassersteinGAN, main.py, at 64x64 pixels, without
    # averaged weights. The length is this project's choice. Not run yet.
    "lsun_bedroom": DEFAULT.with_options(
        data="lsun/bedroom",
        image_size=64,
        steps=200_000,
        report_every=1000,
        checkpoint_every=1000,
        ema=None,
    ),
}
