"""Recipes of LSGAN (least squares): `python -m training.fit --model lsgan`."""

from training.recipe import Recipe
from training.recipes.shared import DIGITS, FASHION_MNIST, POINTS
from zoo.models import LeastSquares

DEFAULT = Recipe(model="lsgan", objective=LeastSquares())
"""Any image data: `--data DATA`.

Adam 2e-4 with beta1 0.5 and batch 64 are those of the 64x64 networks of xudonmao/LSGAN; the targets
(-1, 1, 0) are the paper's Pearson scheme. Not run yet on the data of the paper.
"""

RECIPES: dict[str, Recipe] = {
    "": DEFAULT,
    # `--data digits`: minutes on two CPU cores. With the Pearson targets the generator stayed close
    # to where it starts, at grey images, to which this small critic gave the wanted score 0 (the
    # generator's loss was 0.003): so the targets are (0, 1, 1).
    "digits": DEFAULT.with_options(**DIGITS, scheme="binary"),
    # `--data fashion_mnist`: the budget of all models.
    "fashion_mnist": DEFAULT.with_options(**FASHION_MNIST, scheme="binary"),
    # `--data ring`: ls.py of xudonmao/LSGAN, without its one mode of double weight.
    "ring": DEFAULT.with_options(**POINTS, scheme="binary"),
    # `--recipe gp --data DATA` is LSGAN-GP, from xudonmao/improved_LSGAN: DRAGAN's penalty with
    # noise 30 and weight 150 for a loss summed over a batch of 64 (so 150 / 64 for a mean), Adam
    # 1e-4 with betas (0.5, 0.9), targets (0, 1, 1), layer normalisation in the critic, one critic
    # step. Not run yet.
    "gp": DEFAULT.with_options(
        scheme="binary",
        penalty="dragan",
        penalty_weight=150 / 64,
        penalty_noise=30.0,
        critic_normalization="layer",
        generator_learning_rate=1e-4,
        critic_learning_rate=1e-4,
        beta_2=0.9,
        steps=100_000,
        report_every=1000,
        checkpoint_every=1000,
        ema=None,
    ),
    # `--data lsun/bedroom`, from vgg.py of xudonmao/LSGAN: the scene networks for 112x112 pixels,
    # z 1024 uniform, targets (0, 1, 1), Adam 1e-3 with beta1 0.5, batch 64, the latents of the
    # critic step in the generator step, no averaged weights, at most a million steps. Its images
    # are resized without a crop; here the centred square is used. Not run yet.
    "lsun_bedroom": DEFAULT.with_options(
        data="lsun/bedroom",
        image_size=112,
        network="scene",
        scheme="binary",
        latent_dim=1024,
        latent="uniform",
        shared_latents=True,
        generator_filters=256,
        generator_learning_rate=1e-3,
        critic_learning_rate=1e-3,
        steps=1_000_000,
        report_every=2000,
        checkpoint_every=2000,
        ema=None,
    ),
    # `--recipe many_classes --data DIR`, from mcgan.py of xudonmao/Multi-class_GAN on HWDB1.0 (3740
    # characters, 28x28 grey; not in TFDS: give a folder with one sub-folder per class). In both
    # networks a linear map takes the one-hot label to 256 numbers, which join z and the outputs of
    # three layers of the critic; z 1024 uniform, targets (0, 1, 1), Adam 2e-4 with beta1 0.5, batch
    # 64, no averaged weights. This project's choice: the length, fresh latents in the generator
    # step, the initialisers (those of the same author's scene networks). Not run yet.
    "many_classes": DEFAULT.with_options(
        image_size=28,
        network="characters",
        scheme="binary",
        conditional="embedding",
        label_dim=256,
        latent_dim=1024,
        latent="uniform",
        generator_filters=128,
        steps=100_000,
        report_every=1000,
        checkpoint_every=1000,
        ema=None,
    ),
}
