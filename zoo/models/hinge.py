"""The hinge GAN."""

import dataclasses

from keras import ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hinge(Objective):
    """Hinge losses: a score beyond the margin of 1 on its own side adds nothing.

    Critic `max(0, 1 - c(x)) + max(0, 1 + c(g))`. Generator `-c(g)`.

    Source: Lim and Ye, arXiv 1705.02894.
    """

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": ops.relu(1.0 - real.scores),
            "critic_loss_fake": ops.relu(1.0 + fake.scores),
        }

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": -fake.scores}


class HingeGAN(AdversarialModel):
    """The hinge GAN, with the objective `Hinge`."""

    objective_class = Hinge
    summary = "margin loss (Lim and Ye, 2017)"
    paper = "Lim and Ye, Geometric GAN (arXiv 1705.02894)"
