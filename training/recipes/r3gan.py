"""Recipes of R3GAN (relativistic pairs, R1 + R2): `python -m training.fit --model r3gan`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST, POINTS
from zoo.models import RelativisticPair

DEFAULT = Recipe(model="r3gan", objective=RelativisticPair()).with_options(
    network="r3gan",
    generator_filters=64,
    critic_filters=64,
    generator_normalization="none",
    critic_normalization="none",
    latent_dim=64,
    penalty="r1_r2",
    penalty_weight=1.0,
    final_penalty_weight=0.1,
    beta_1=0.0,
    beta_2=0.9,
    final_beta_2=0.99,
    epsilon=1e-8,
    learning_rate_decay="burn_in",
    decay_factor=0.25,
    burn_in=0.5,
    ema=0.9999,
    ema_half_life=200.0,
)
"""Any image data: `--data DATA`.

Adam 2e-4 -> 5e-5 with beta1 0 and beta2 0.9 -> 0.99, a penalty weight that falls to a tenth, an
average whose half-life rises from 0, and z 64 normal are those of train.py in brownvc/R3GAN. Width,
batch 64, weight, burn-in and half-life are this project's, for runs of thousands of steps. Not run
yet.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(
        **DIGITS | {"latent_dim": 64, "generator_filters": 32, "critic_filters": 32}
    ),
    # `--data fashion_mnist`: the budget and the networks of all models, without normalisation; the
    # penalty in every fourth step.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST, network="dcgan", penalty_every=4),
    # `--recipe paper`: train.py of brownvc/R3GAN, preset CIFAR10, without labels. Batch 512 and a
    # burn-in of 20 million images (39,063 steps); the length of 250 million images is that of the
    # authors' run. The half-life rises to 5 million images, 9,766 steps. Mirrored images; the
    # augmentation of the released code, of probability 0 -> 0.55, is left out. Not run yet.
    "paper": DEFAULT.with_options(
        data="cifar10",
        flip=True,
        batch_size=512,
        steps=488_280,
        report_every=1000,
        checkpoint_every=5000,
        generator_filters=768,
        critic_filters=768,
        penalty_weight=0.05,
        final_penalty_weight=0.005,
        burn_in=0.08,
        ema=0.99999,
        ema_half_life=9766.0,
    ),
    # `--data ring`: LSGAN's networks and rates with R1 + R2, this project's choice.
    "ring": DEFAULT.with_options(
        **POINTS,
        final_penalty_weight=None,
        final_beta_2=None,
        beta_2=0.999,
        learning_rate_decay="none",
        decay_factor=None,
        burn_in=None,
        ema_half_life=None,
    ),
}
