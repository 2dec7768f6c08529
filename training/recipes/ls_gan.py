"""LS-GAN (loss-sensitive) on any image data: `python -m training.fit --model ls_gan --data DATA`.

Adam 1e-4 with beta1 0.5, batch 64, z 100 uniform, the critic step's fakes in the generator step, no
first term, no weight decay and margin scale 2.4576 (0.0002 a pixel and channel at 64x64) are those
of lsgan.lua in guojunq/lsgan; its ReLU on the critic's output is `--output-activation relu`. Not
run on its data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.recipe import option
from training.recipes.critic import CriticRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from zoo.models import LossSensitiveGAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class LSGANFamilyRecipe(CriticRecipe):
    """Fields of LS-GAN and GLS-GAN."""

    distance: Literal["l1", "l2"] = "l1"
    """Distance of a real and a fake image in the margin Delta."""
    margin_scale: float = 2.4576
    """Factor of that distance, a mean over pixels and channels."""
    pairs: Literal["same_index", "all"] = "same_index"
    """Pair x_i with g_i, or every real with every fake image of the batch (the paper)."""
    first_term_weight: float = 0.0
    """Weight of E[L(x)]: the released code's gamma, 1 / lambda of the paper."""
    output_activation: Literal["linear", "softplus", "relu"] = "linear"
    """What makes the loss L out of the critic's raw output."""
    weight_decay: float = 0.0
    """Adds weight_decay * w to the gradients of both networks."""

    def check(self) -> None:
        super().check()
        for field in ("margin_scale", "first_term_weight", "weight_decay"):
            if getattr(self, field) < 0:
                raise UserError(
                    f"{option(field)} must not be negative, given {getattr(self, field)}."
                )
        if self.pairs == "all" and self.conditional != "none":
            raise UserError("--pairs all would pair images of different classes: not conditional.")

    def objective(self) -> dict[str, Any]:
        """Returns the objective's options by name."""
        fields = dataclasses.fields(LSGANFamilyRecipe)
        shared = {field.name for field in dataclasses.fields(CriticRecipe)}
        return {f.name: getattr(self, f.name) for f in fields if f.name not in shared}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossSensitiveRecipe(LSGANFamilyRecipe):
    """Fields of LS-GAN."""

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "LossSensitiveGAN":
        from zoo.models import LossSensitiveGAN

        return LossSensitiveGAN(generator, critic, **self.objective(), **shared)


RECIPE = LossSensitiveRecipe(
    model="ls_gan",
    generator_learning_rate=1e-4,
    critic_learning_rate=1e-4,
    latent="uniform",
    shared_latents=True,
)
