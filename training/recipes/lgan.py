"""LGAN (Lipschitz) on any image data: `python -m training.fit --model lgan --data DATA`.

MaxGP of weight 0.1 without buffer, Adam 2e-4 with betas (0, 0.9) and epsilon 1e-8, both rates down
to 0 over 100,000 steps, 5 critic steps of 64 images, generator steps of 128, z 128 normal and a
generator average of 0.99 are those of sobolev_cifar10.py in ZhimingZhou/LGANs-for-reproduce, which
scales images as (v - 127.5) / 128 where this project has (v - 127.5) / 127.5. `--network resnet` is
its network. Not run on its data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from training.recipes.critic import CriticRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from zoo.models import LipschitzGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class LGANRecipe(CriticRecipe):
    """Fields of LGAN."""

    phi: str = "softplus"
    """phi of the objective: linear (WGAN's), softplus, exp, sqrt, square, hinge."""

    def check(self) -> None:
        super().check()
        from zoo.names import unknown_name
        from zoo.objectives.lipschitz import PHIS

        if self.phi not in PHIS:
            raise UserError(unknown_name("phi", self.phi, PHIS))

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "LipschitzGAN":
        from zoo.models import LipschitzGAN

        return LipschitzGAN(generator, critic, phi=self.phi, **shared)


RECIPE = LGANRecipe(
    model="lgan",
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
