"""Recipes of GLS-GAN: `python -m training.fit --model glsgan`."""

from training.recipe import Recipe
from training.recipes.shared import CELEB_A, DIGITS, FASHION_MNIST
from zoo.models import GeneralizedLossSensitive

DEFAULT = Recipe(model="glsgan", objective=GeneralizedLossSensitive()).with_options(
    latent="uniform",
    shared_latents=True,
    penalty="clip",
    clip_bound=0.08,
    clip_when="after",
)
"""Any image data: `--data DATA`.

Adam 2e-4 with beta1 0.5, batch 64, z 100 uniform, slope 0, all critic weights clipped to 0.08 after
every step, the fakes of the critic step in the generator step and margin scale 2.4576 are those of
glsgan.lua in guojunq/glsgan, whose alternative to clipping is `--penalty rescale --clip-when None`.
Not run yet on its data.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST),
    # `--recipe cifar10_conditional`: with labels, small enough for an hour of one CPU core.
    "cifar10_conditional": DEFAULT.with_options(
        data="cifar10",
        flip=True,
        conditional="projection",
        generator_normalization="conditional_batch",
        latent_dim=128,
        generator_filters=256,
        critic_filters=64,
        ema=0.999,
        steps=16_000,
        report_every=1000,
        checkpoint_every=500,
        learning_rate_decay="linear",
    ),
    # `--data celeb_a`: glsgan.lua in guojunq/glsgan, 50 epochs. Not run yet.
    "celeb_a": DEFAULT.with_options(**CELEB_A | {"steps": 127_200}),
}
