"""LSGAN (least squares) on any image data: `python -m training.fit --model lsgan --data DATA`.

Adam 2e-4 with beta1 0.5 and batch 64 are those of xudonmao/LSGAN's 64x64 nets; targets (-1, 1, 0)
are the paper's Pearson scheme. Not run on the paper's data sets yet.
"""

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from training.recipe import option
from training.recipes.critic import CriticRecipe
from zoo.errors import UserError

if TYPE_CHECKING:
    import keras

    from zoo.models import LeastSquaresGAN

_TARGETS = ("fake_target", "real_target", "generator_target")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LSGANRecipe(CriticRecipe):
    """Fields of LSGAN."""

    scheme: Literal["pearson", "binary", "free"] = "pearson"
    """Targets a, b, c: pearson is -1, 1, 0; binary is 0, 1, 1; free are those given."""
    fake_target: float | None = None
    """a: what the critic is to say of fake images; with --scheme free."""
    real_target: float | None = None
    """b: what the critic is to say of real images; with --scheme free."""
    generator_target: float | None = None
    """c: what the generator wants the critic to say; with --scheme free."""

    def check(self) -> None:
        super().check()
        for field in _TARGETS:
            given = getattr(self, field)
            if self.scheme != "free" and given is not None:
                raise UserError(
                    f"{option(field)} {given} and --scheme {self.scheme} say two things: take the "
                    "scheme's targets, or --scheme free and all three."
                )
            if self.scheme == "free" and given is None:
                raise UserError(f"--scheme free needs {option(field)} too.")
        if self.scheme == "free" and self.fake_target == self.real_target:
            raise UserError(
                f"--fake-target and --real-target must differ, both are {self.real_target}."
            )

    def targets(self) -> dict[str, Any]:
        """Returns the targets by name."""
        from zoo.objectives.least_squares import SCHEMES

        if self.scheme == "free":
            return {field: getattr(self, field) for field in _TARGETS}
        return dict(zip(_TARGETS, SCHEMES[self.scheme], strict=True))

    def make_model(
        self, generator: "keras.Model", critic: "keras.Model", shared: dict[str, Any]
    ) -> "LeastSquaresGAN":
        from zoo.models import LeastSquaresGAN

        return LeastSquaresGAN(generator, critic, **self.targets(), **shared)


RECIPE = LSGANRecipe(model="lsgan")
