"""The original GAN, non-saturating or minimax."""

import dataclasses

from keras import ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classic(Objective):
    """Cross-entropy of the logit c of "real".

    Critic `softplus(-c(x)) + softplus(c(g))`. Generator `softplus(-c(g))` (non-saturating), or
    `-softplus(c(g))` (minimax).

    Source: Goodfellow et al., arXiv 1406.2661, section 3; the logit form is that of
    soumith/dcgan.torch, main.lua (binary cross-entropy, labels 1 and 0, no smoothing).
    """

    saturating: bool = False
    """Let the generator minimise the minimax loss instead of the non-saturating one."""

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": ops.softplus(-real.scores),
            "critic_loss_fake": ops.softplus(fake.scores),
        }

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        if self.saturating:
            return {"generator_loss": -ops.softplus(fake.scores)}
        return {"generator_loss": ops.softplus(-fake.scores)}


class ClassicGAN(AdversarialModel):
    """The original GAN, with the objective `Classic`."""

    objective_class = Classic
    summary = "the original, non-saturating or minimax (Goodfellow et al., 2014)"
    paper = "Goodfellow et al., Generative Adversarial Networks (arXiv 1406.2661)"
