"""Recipes of LGAN (Lipschitz): `python -m training.fit --model lgan`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST, POINTS
from zoo.models import Lipschitz

DEFAULT = Recipe(model="lgan", objective=Lipschitz()).with_options(
    penalty="max_gp",
    penalty_weight=0.1,
    steps=100_000,
    report_every=1000,
    checkpoint_every=1000,
    beta_1=0.0,
    beta_2=0.9,
    epsilon=1e-8,
    learning_rate_decay="linear",
    critic_steps=5,
    generator_batches=2,
    latent_dim=128,
    ema=0.99,
    critic_normalization="none",
)
"""Any image data: `--data DATA`.

MaxGP of weight 0.1 without buffer, Adam 2e-4 with betas (0, 0.9) and epsilon 1e-8, both rates
falling to 0 over 100,000 steps, 5 critic steps of 64 images, generator steps of 128, z 128 normal
and a generator average of 0.99 are those of sobolev_cifar10.py in ZhimingZhou/LGANs-for-reproduce,
which scales images as (v - 127.5) / 128; this project uses (v - 127.5) / 127.5. Its network is
`--network resnet`. Not run yet on its data.
"""

# The residual networks of sobolev_cifar10.py, with 128 channels.
_RESNET = {"network": "resnet", "generator_filters": 128, "critic_filters": 128}

FASHION = DEFAULT.with_options(
    **FASHION_MNIST,
    critic_steps=1,
    generator_batches=1,
    ema=0.999,
    learning_rate_decay="none",
)
"""`--data fashion_mnist`: the budget of all models."""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(
        **DIGITS | {"steps": 1000, "report_every": 100, "checkpoint_every": 100},
        learning_rate_decay="none",
    ),
    "fashion_mnist": FASHION,
    # `--recipe fashion_mnist_conditional`: with labels, by batch normalisation per class in the
    # generator and a label projection in the critic. Scores: `docs/presets.md`.
    "fashion_mnist_conditional": FASHION.with_options(
        conditional="projection", generator_normalization="conditional_batch"
    ),
    # `--data cifar10`: sobolev_cifar10.py; choose phi by `--phi`. Not run yet.
    "cifar10": DEFAULT.with_options(data="cifar10", **_RESNET),
    # `--recipe tiny_imagenet --data DIR`: sobolev_cifar10.py. It reduces 64x64 images to 32x32 by
    # 2x2 means; here they are resized with antialiasing. Not run yet.
    "tiny_imagenet": DEFAULT.with_options(image_size=32, **_RESNET),
    # `--data ring`: LSGAN's networks and rates with MaxGP of weight 0.1 and a buffer of an eighth
    # of the batch (gan_synthetic4.py of ZhimingZhou/LGANs-for-reproduce), one critic step: this
    # project's choice.
    "ring": DEFAULT.with_options(
        **POINTS,
        critic_steps=1,
        generator_batches=1,
        learning_rate_decay="none",
        penalty_buffer=64,
        penalty_buffer_mode="replace",
    ),
}
