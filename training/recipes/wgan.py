"""WGAN (weight clipping) on any image data: `python -m training.fit --model wgan --data DATA`.

RMSProp 5e-5, weights clipped to 0.01 before each of 5 critic steps, batch 64, z 100 normal and the
DCGAN nets with batch normalisation are those of martinarjovsky/WassersteinGAN, main.py. rho 0.99
and epsilon 1e-8 are not in what was read of that code: they are what PyTorch, in which it is
written, takes where nothing is said. Left out are its 100 critic steps for each of the first 25
generator steps and for every 500th: a step here takes the same number of batches each time.
`--critic-steps 100` has that many always. Not run on its data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from training.recipes.critic import CriticRecipe

if TYPE_CHECKING:
    import keras

    from zoo.models import WassersteinGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class WGANRecipe(CriticRecipe):
    """Fields of WGAN and WGAN-GP."""

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "WassersteinGAN":
        from zoo.models import WassersteinGAN

        return WassersteinGAN(generator, critic, **shared)


RECIPE = WGANRecipe(
    model="wgan",
    penalty="clip",
    optimizer="rmsprop",
    beta_1=0.0,
    beta_2=0.99,
    epsilon=1e-8,
    generator_learning_rate=5e-5,
    critic_learning_rate=5e-5,
    critic_steps=5,
)
