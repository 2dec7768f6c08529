"""RaGAN: each score is compared with the mean score of the other kind of images."""

import dataclasses

from keras import ops

from zoo.gradients import global_mean
from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelativisticAverage(Objective):
    """Cross-entropy of the logit "more real than the others are on average".

    With m_g = mean c(g) and m_x = mean c(x) over the global batch: critic
    `softplus(m_g - c(x)) + softplus(c(g) - m_x)`, generator
    `softplus(m_x - c(g)) + softplus(c(x) - m_g)`.

    Source: Jolicoeur-Martineau, arXiv 1807.00734, section 4 (RaSGAN).
    """

    needs_real_scores = True

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": ops.softplus(global_mean(fake.scores) - real.scores),
            "critic_loss_fake": ops.softplus(fake.scores - global_mean(real.scores)),
        }

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {
            "generator_loss_fake": ops.softplus(global_mean(real.scores) - fake.scores),
            "generator_loss_real": ops.softplus(real.scores - global_mean(fake.scores)),
        }


class RelativisticAverageGAN(AdversarialModel):
    """RaGAN, with the objective `RelativisticAverage`."""

    objective_class = RelativisticAverage
    summary = "relativistic average (Jolicoeur-Martineau, 2018)"
    paper = "Jolicoeur-Martineau, The relativistic discriminator (arXiv 1807.00734)"
