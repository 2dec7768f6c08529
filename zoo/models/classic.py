"""The original GAN, non-saturating or minimax."""

import keras

from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.classic import fake_loss, real_loss
from zoo.penalties import Penalty


class ClassicGAN(AdversarialModel):
    """GAN: the critic's score is the logit of "real".

    Critic `softplus(-c(x)) + softplus(c(g))`; generator `softplus(-c(g))` (non-saturating), or
    `-softplus(c(g))` (minimax).

    Args:
        generator: network from latents to images.
        critic: network from images to raw scores `[B]`.
        saturating: bool, whether the generator minimises the minimax loss.
        penalty: a `zoo.penalties.Penalty` on the critic; None for none.
        critic_steps: int >= 1, critic steps a generator step.
        generator_batches: int >= 1, see `AdversarialModel`.
        shared_latents: bool, see `AdversarialModel`.
        ema: float in [0, 1), decay of the generator's average; None for none.
        seed: int, seed of all noise drawn in training.

    Source: Goodfellow et al., arXiv 1406.2661, section 3.
    """

    paper = "Goodfellow et al., Generative Adversarial Networks (arXiv 1406.2661)"

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        saturating: bool = False,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(
            generator,
            critic,
            penalty=penalty,
            critic_steps=critic_steps,
            generator_batches=generator_batches,
            shared_latents=shared_latents,
            ema=ema,
            seed=seed,
            name=name,
        )
        self.saturating = saturating

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": real_loss(real.scores),
            "critic_loss_fake": fake_loss(fake.scores),
        }

    def generator_losses(self, fake: Examples) -> Losses:
        loss = -fake_loss(fake.scores) if self.saturating else real_loss(fake.scores)
        return {"generator_loss": loss}
