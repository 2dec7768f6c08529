"""The hinge GAN."""

from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.hinge import margin_loss
from zoo.objectives.wasserstein import real_loss


class HingeGAN(AdversarialModel):
    """Critic `max(0, 1 - c(x)) + max(0, 1 + c(g))`, generator `-c(g)`; as `AdversarialModel`."""

    paper = "Lim and Ye, Geometric GAN (arXiv 1705.02894)"

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": margin_loss(real.scores, 1.0),
            "critic_loss_fake": margin_loss(fake.scores, -1.0),
        }

    def generator_losses(self, fake: Examples) -> Losses:
        return {"generator_loss": real_loss(fake.scores)}
