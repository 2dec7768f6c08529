"""Recipes of LS-GAN (loss-sensitive): `python -m training.fit --model ls_gan`."""

from training.recipe import Recipe
from training.recipes.shared import CELEB_A, DIGITS, FASHION_MNIST, POINTS
from zoo.models import LossSensitive

DEFAULT = Recipe(model="ls_gan", objective=LossSensitive()).with_options(
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    latent="uniform",
    shared_latents=True,
)
"""Any image data: `--data DATA`.

Adam 1e-4 with beta1 0.5, batch 64, z 100 uniform, the fakes of the critic step in the generator
step, no first term, no weight decay and margin scale 2.4576 (0.0002 per pixel and channel at 64x64)
are those of lsgan.lua in guojunq/lsgan. Its ReLU on the output of the critic is
`--output-activation relu`. Not run yet on its data.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores.
    "digits": DEFAULT.with_options(**DIGITS, critic_normalization="none"),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(
        **FASHION_MNIST, generator_learning_rate=2e-4, critic_learning_rate=2e-4
    ),
    # `--data celeb_a`: lsgan.lua in guojunq/lsgan with its final ReLU, 25 epochs. Its loader takes
    # random crops. Not run yet.
    "celeb_a": DEFAULT.with_options(**CELEB_A, output_activation="relu"),
    # `--data ring`: LSGAN's networks and rates, this project's choice.
    "ring": DEFAULT.with_options(**POINTS, latent="normal"),
    # `--recipe gp` is LS-GAN-GP, from lsgan-gp.py in maple-research-lab/glsgan-gp: gradient penalty
    # of weight 10 at real images with the norm over the channels of each pixel, Adam 2e-4 with
    # betas (0.5, 0.999), batch 64, z 100 normal, fresh latents in the generator step, no batch
    # normalisation in the critic, linear output, 25 epochs of CelebA. It crops faces with a
    # detector. Not run yet.
    "gp": DEFAULT.with_options(
        **CELEB_A,
        penalty="per_pixel",
        penalty_weight=10.0,
        critic_normalization="none",
        generator_learning_rate=2e-4,
        critic_learning_rate=2e-4,
        latent="normal",
        shared_latents=False,
    ),
    # `--recipe paper`, from arXiv 1701.06264v3, section 7.2 and equation 8: all pairs of the batch,
    # Adam 1e-3 with beta1 0.5, batch 64, z 100 uniform, raw output, CelebA for 25 epochs. The
    # paper multiplies the rate by 0.8 every 25 epochs, so never within this run: a longer run needs
    # `--learning-rate-decay stairs --decay-factor 0.8 --decay-every 63600`. The paper states no
    # margin scale (here that of its code) and no value of its weight decay (here none); crop and
    # mirroring are this project's choice. Not run yet.
    "paper": DEFAULT.with_options(
        **CELEB_A,
        pairs="all",
        generator_learning_rate=1e-3,
        critic_learning_rate=1e-3,
        shared_latents=False,
    ),
}
