"""Recipes of WGAN-GP (gradient penalty): `python -m training.fit --model wgan_gp`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST_WASSERSTEIN, POINTS
from zoo.models import Wasserstein

DEFAULT = Recipe(model="wgan_gp", objective=Wasserstein()).with_options(
    penalty="gp",
    penalty_weight=10.0,
    critic_normalization="none",
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    beta_2=0.9,
    critic_steps=5,
    latent_dim=128,
)
"""Any image data: `--data DATA`.

Penalty weight 10, Adam 1e-4 with betas (0.5, 0.9), 5 critic steps, batch 64, z 128 and no batch
normalisation in the critic are those of gan_cifar.py in igul222/improved_wgan_training. Not run yet
on its data.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(
        **DIGITS | {"steps": 1000, "report_every": 100, "checkpoint_every": 100}
    ),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST_WASSERSTEIN),
    # `--data cifar10`, from gan_cifar.py in igul222/improved_wgan_training: 200,000 steps, 512
    # channels at 4x4, a critic of 128, 256 and 512 channels without normalisation, no averaged
    # weights. Its convolutions are 5x5, those of the DCGAN networks 4x4. Not run yet.
    "cifar10": DEFAULT.with_options(
        data="cifar10",
        steps=200_000,
        report_every=1000,
        checkpoint_every=1000,
        critic_filters=128,
        ema=None,
    ),
    # `--data ring`: LSGAN's networks and rates with the penalty of WGAN-GP and one critic step,
    # this project's choice.
    "ring": DEFAULT.with_options(**POINTS, critic_steps=1),
}
