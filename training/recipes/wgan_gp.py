"""WGAN-GP on any image data: `python -m training.fit --model wgan_gp --data DATA`.

Penalty weight 10, Adam 1e-4 with betas (0.5, 0.9), 5 critic steps, batch 64, z 128 and no batch
normalisation in the critic are those of gan_cifar.py in igul222/improved_wgan_training. Not run on
its data sets yet.
"""

from training.recipes.wgan import WGANRecipe

RECIPE = WGANRecipe(
    model="wgan_gp",
    penalty="gp",
    penalty_weight=10.0,
    critic_normalization="none",
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    beta_2=0.9,
    critic_steps=5,
    latent_dim=128,
)
