"""Hinge GAN on any image data: `python -m training.fit --model hinge --data DATA`; not run yet."""

import dataclasses
from typing import TYPE_CHECKING, Any

from training.recipes.critic import CriticRecipe

if TYPE_CHECKING:
    import keras

    from zoo.models import HingeGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class HingeRecipe(CriticRecipe):
    """The hinge GAN has no fields of its own."""

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "HingeGAN":
        from zoo.models import HingeGAN

        return HingeGAN(generator, critic, **shared)


RECIPE = HingeRecipe(model="hinge", critic_normalization="layer")
