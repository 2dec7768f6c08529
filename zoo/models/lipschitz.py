"""LGAN: a Lipschitz-penalised critic under any of the six phi (Zhou's, not the "localized GAN")."""

import keras

from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.names import unknown_name
from zoo.objectives.lipschitz import PHIS
from zoo.penalties import Penalty


class LipschitzGAN(AdversarialModel):
    """LGAN: critic `phi(f(g)) + varphi(f(x)) + weight * k(f)^2`, generator `psi(f(g))`.

    The last term is the penalty, `zoo.penalties`' MaxGP in the paper: k(f) is pulled to zero. psi
    is `-t` for each phi but `square`, whose psi is `(t - 1)^2`.

    Args:
        generator: network from latents to images.
        critic: network from images to raw scores `[B]`, without batch normalisation.
        phi: `"linear"`, `"softplus"`, `"exp"`, `"sqrt"`, `"square"` or `"hinge"`.
        penalty: a `zoo.penalties.Penalty` on the critic; None for none, with which most phi have no
            minimum on disjoint supports.
        critic_steps: int >= 1, critic steps a generator step.
        generator_batches: int >= 1, see `AdversarialModel`; 2 in the released code.
        shared_latents: bool, see `AdversarialModel`.
        ema: float in [0, 1), decay of the generator's average; None for none.
        seed: int, seed of all noise drawn in training.

    Source: Zhou et al., arXiv 1902.05687; ZhimingZhou/LGANs-for-reproduce.
    """

    paper = "Zhou et al., Lipschitz Generative Adversarial Nets (arXiv 1902.05687)"

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        phi: str = "softplus",
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        if phi not in PHIS:
            raise ValueError(unknown_name("phi", phi, PHIS))
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
        self.phi = phi

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        pair = PHIS[self.phi]
        return {
            "critic_loss_real": pair.varphi(real.scores),
            "critic_loss_fake": pair.phi(fake.scores),
        }

    def generator_losses(self, fake: Examples) -> Losses:
        return {"generator_loss": PHIS[self.phi].psi(fake.scores)}
