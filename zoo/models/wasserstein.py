"""WGAN and WGAN-GP, which differ in their penalty alone."""

import dataclasses

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wasserstein(Objective):
    """Difference of mean scores: critic `-c(x) + c(g)`, generator `-c(g)`.

    Source: Arjovsky et al., arXiv 1701.07875, equation 2 and algorithm 1.
    """

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {"critic_loss_real": -real.scores, "critic_loss_fake": fake.scores}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": -fake.scores}


class WassersteinGAN(AdversarialModel):
    """WGAN with `WeightClipping(0.01)`, WGAN-GP with `GradientPenalty(10.0)`.

    Without a penalty the loss of the critic has no minimum.

    Source: Arjovsky et al., arXiv 1701.07875; Gulrajani et al., arXiv 1704.00028.
    """

    objective_class = Wasserstein
    summary = "weight clipping, or a gradient penalty (Arjovsky et al., Gulrajani et al., 2017)"
    paper = "Arjovsky et al., Wasserstein GAN (arXiv 1701.07875)"
