"""GLS-GAN on any image data: `python -m training.fit --model glsgan --data DATA`.

Adam 2e-4 with beta1 0.5, batch 64, z 100 uniform, slope 0, all critic weights clipped to 0.08 after
every step, the critic step's fakes in the generator step and margin scale 2.4576 are those of
glsgan.lua in guojunq/glsgan, whose alternative to clipping is `--penalty rescale --clip-when None`.
Not run on its data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.recipes.ls_gan import LSGANFamilyRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from zoo.models import GeneralizedLossSensitiveGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class GLSGANRecipe(LSGANFamilyRecipe):
    """Fields of GLS-GAN."""

    slope: float | Literal["elu"] = 0.0
    """nu, slope of the cost below zero, at most 1 (0 is LS-GAN, 1 is WGAN); or elu."""

    def check(self) -> None:
        super().check()
        if not isinstance(self.slope, str) and not self.slope <= 1:
            raise UserError(
                f"--slope must be at most 1, given {self.slope}: a cost C must satisfy C(a) >= a."
            )

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "GeneralizedLossSensitiveGAN":
        from zoo.models import GeneralizedLossSensitiveGAN

        return GeneralizedLossSensitiveGAN(
            generator, critic, slope=self.slope, **self.objective(), **shared
        )


RECIPE = GLSGANRecipe(
    model="glsgan",
    latent="uniform",
    shared_latents=True,
    penalty="clip",
    clip_bound=0.08,
    clip_when="after",
)
