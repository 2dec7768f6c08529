"""R3GAN: the score of each real image is compared with that of one generated image."""

import dataclasses

from keras import ops

from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective


@dataclasses.dataclass(frozen=True, kw_only=True)
class RelativisticPair(Objective):
    """Cross-entropy of the logit "x_i is more real than g_i", for pairs of the batch.

    Critic `softplus(c(g_i) - c(x_i))`, generator `softplus(c(x_i) - c(g_i))`. The critic's loss is
    a smooth relative of GLS-GAN's costs at margin 0; `docs/theory.md` compares them.

    Source: Huang et al., arXiv 2501.05441; Trainer.py of brownvc/R3GAN. The pair loss is that of
    Jolicoeur-Martineau, arXiv 1807.00734 (RSGAN).
    """

    needs_real_scores = True

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {"pair_loss": ops.softplus(fake.scores - real.scores)}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": ops.softplus(real.scores - fake.scores)}


class R3GAN(AdversarialModel):
    """R3GAN, with the objective `RelativisticPair` and the penalty `BothCentredPenalty` (R1 + R2).

    Source: Huang et al., arXiv 2501.05441.
    """

    objective_class = RelativisticPair
    summary = "relativistic pairs with R1 and R2 (Huang et al., 2024)"
    paper = (
        "Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline (arXiv 2501.05441)"  # noqa: E501
    )
