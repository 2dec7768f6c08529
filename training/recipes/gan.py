"""The original GAN on any image data: `python -m training.fit --model gan --data DATA`.

Adam 2e-4 with beta1 0.5, batch 64, z 100 normal and the DCGAN nets are those of
soumith/dcgan.torch, main.lua, whose generator step takes the critic step's fakes. Not run on its
data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from training.recipes.critic import CriticRecipe

if TYPE_CHECKING:
    import keras

    from zoo.models import ClassicGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class GANRecipe(CriticRecipe):
    """Fields of the original GAN."""

    saturating: bool = False
    """Let the generator minimise the minimax loss instead of the non-saturating one."""

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "ClassicGAN":
        from zoo.models import ClassicGAN

        return ClassicGAN(generator, critic, saturating=self.saturating, **shared)


RECIPE = GANRecipe(model="gan", shared_latents=True)
