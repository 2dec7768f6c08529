"""Models: subclassed `keras.Model`s with a `train_step`, one file per model with its objective.

A new model is one file in this folder and one line in `MODELS`.
"""

import dataclasses
import difflib

from zoo.models.adversarial import AdversarialModel
from zoo.models.began import BoundaryEquilibrium, BoundaryEquilibriumGAN
from zoo.models.classic import Classic, ClassicGAN
from zoo.models.conditional_loss_sensitive import (
    ConditionalLossSensitive,
    ConditionalLossSensitiveGAN,
)
from zoo.models.ebgan import EnergyBased, EnergyBasedGAN
from zoo.models.f_gan import FGAN, FDivergence
from zoo.models.hinge import Hinge, HingeGAN
from zoo.models.least_squares import LeastSquares, LeastSquaresGAN
from zoo.models.lipschitz import Lipschitz, LipschitzGAN
from zoo.models.loss_sensitive import (
    GeneralizedLossSensitive,
    GeneralizedLossSensitiveGAN,
    LossSensitive,
    LossSensitiveGAN,
)
from zoo.models.objective import Objective
from zoo.models.r3gan import R3GAN, RelativisticPair
from zoo.models.relativistic import RelativisticAverage, RelativisticAverageGAN
from zoo.models.supervised import SupervisedClassifier
from zoo.models.wasserstein import Wasserstein, WassersteinGAN


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """One entry of the registry.

    Attributes:
        model: the class.
        aliases: other names that are accepted.
    """

    model: type[AdversarialModel]
    aliases: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """The class and what it is, in one line."""
        return f"{self.model.__name__}: {self.model.summary}"


MODELS: dict[str, ModelEntry] = {
    "gan": ModelEntry(ClassicGAN, ("classic_gan",)),
    "lsgan": ModelEntry(LeastSquaresGAN, ("least_squares_gan",)),
    "wgan": ModelEntry(WassersteinGAN, ("wasserstein_gan",)),
    "wgan_gp": ModelEntry(WassersteinGAN, ("wgan-gp",)),
    "ls_gan": ModelEntry(LossSensitiveGAN, ("ls-gan", "loss_sensitive_gan")),
    "glsgan": ModelEntry(
        GeneralizedLossSensitiveGAN, ("gls-gan", "gls_gan", "generalized_loss_sensitive_gan")
    ),
    "clsgan": ModelEntry(
        ConditionalLossSensitiveGAN, ("cls-gan", "cls_gan", "conditional_loss_sensitive_gan")
    ),
    "lgan": ModelEntry(LipschitzGAN, ("lipschitz_gan",)),
    "hinge": ModelEntry(HingeGAN, ("hinge_gan",)),
    "ragan": ModelEntry(RelativisticAverageGAN, ("relativistic_average_gan",)),
    "f_gan": ModelEntry(FGAN, ("f-gan", "fgan")),
    "began": ModelEntry(BoundaryEquilibriumGAN, ("boundary_equilibrium_gan",)),
    "ebgan": ModelEntry(EnergyBasedGAN, ("energy_based_gan",)),
    "r3gan": ModelEntry(R3GAN),
}
"""Every model by its name: the only registry of names, aliases and classes."""


def model_name(name: str) -> str:
    """Returns the name of a model in `MODELS`, given the name or an alias in any case.

    Raises:
        ValueError: an unknown name; the message lists the nearest ones.
    """
    lower = name.lower()
    names = {alias: known for known, entry in MODELS.items() for alias in (known, *entry.aliases)}
    if lower in names:
        return names[lower]
    near = difflib.get_close_matches(lower, names, n=2)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise ValueError(f"Unknown model {name!r}.{hint} Models: {', '.join(MODELS)}.")


__all__ = [
    "MODELS",
    "AdversarialModel",
    "BoundaryEquilibrium",
    "BoundaryEquilibriumGAN",
    "Classic",
    "ClassicGAN",
    "ConditionalLossSensitive",
    "ConditionalLossSensitiveGAN",
    "EnergyBased",
    "EnergyBasedGAN",
    "FDivergence",
    "FGAN",
    "GeneralizedLossSensitive",
    "GeneralizedLossSensitiveGAN",
    "Hinge",
    "HingeGAN",
    "LeastSquares",
    "LeastSquaresGAN",
    "Lipschitz",
    "LipschitzGAN",
    "LossSensitive",
    "LossSensitiveGAN",
    "ModelEntry",
    "Objective",
    "R3GAN",
    "RelativisticAverage",
    "RelativisticAverageGAN",
    "RelativisticPair",
    "SupervisedClassifier",
    "Wasserstein",
    "WassersteinGAN",
    "model_name",
]
