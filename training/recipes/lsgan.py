"""LSGAN (least squares) on any image data: `python -m training.fit --model lsgan --data DATA`.

Adam 2e-4 with beta1 0.5 and batch 64 are those of xudonmao/LSGAN's 64x64 nets; targets (-1, 1, 0)
are the paper's Pearson scheme. Not run on the paper's data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING

from training.errors import UserError
from training.recipes.adversarial import AdversarialRecipe

if TYPE_CHECKING:
    from zoo.models import LeastSquaresGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class LSGANRecipe(AdversarialRecipe):
    """Fields of LSGAN."""

    fake_target: float = -1.0
    """a: what the critic is to say of fake images."""
    real_target: float = 1.0
    """b: what the critic is to say of real images."""
    generator_target: float = 0.0
    """c: what the generator wants the critic to say."""

    def check(self) -> None:
        super().check()
        if self.fake_target == self.real_target:
            raise UserError(
                f"--fake-target and --real-target must differ, both are {self.real_target}."
            )

    def build(
        self, *, image_shape: tuple[int, int, int], class_names: tuple[str, ...]
    ) -> "LeastSquaresGAN":
        from zoo.models import LeastSquaresGAN

        model = LeastSquaresGAN(
            self.make_generator(image_shape=image_shape),
            self.make_critic(image_shape=image_shape),
            fake_target=self.fake_target,
            real_target=self.real_target,
            generator_target=self.generator_target,
            critic_steps=self.critic_steps,
            ema=self.ema,
            seed=self.seed,
        )
        model.compile(
            self.make_optimizer(self.generator_learning_rate),
            self.make_optimizer(self.critic_learning_rate),
        )
        return model


RECIPE = LSGANRecipe(model="lsgan")
