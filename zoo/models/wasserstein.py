"""WGAN and WGAN-GP, which differ in their penalty alone."""

from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.wasserstein import fake_loss, real_loss


class WassersteinGAN(AdversarialModel):
    """WGAN: critic `-c(x) + c(g)`, generator `-c(g)`; arguments are those of `AdversarialModel`.

    With `WeightClipping(0.01)` it is WGAN, with `GradientPenalty(10.0)` WGAN-GP. Without any
    penalty the critic's loss has no minimum.

    Source: Arjovsky et al., arXiv 1701.07875; Gulrajani et al., arXiv 1704.00028.
    """

    paper = "Arjovsky et al., Wasserstein GAN (arXiv 1701.07875)"

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": real_loss(real.scores),
            "critic_loss_fake": fake_loss(fake.scores),
        }

    def generator_losses(self, fake: Examples) -> Losses:
        return {"generator_loss": real_loss(fake.scores)}
