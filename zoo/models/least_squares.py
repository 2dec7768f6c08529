"""LSGAN: the least squares GAN (not the loss-sensitive LS-GAN, which is another paper)."""

import keras

from zoo.models.adversarial import AdversarialModel, Losses
from zoo.models.trainer import Examples
from zoo.objectives.least_squares import squared_distance
from zoo.penalties import Penalty


class LeastSquaresGAN(AdversarialModel):
    """LSGAN: D regresses real images to b and fake ones to a, G wants c.

    Critic `1/2 (D(x) - b)^2 + 1/2 (D(g) - a)^2`, generator `1/2 (D(g) - c)^2`.

    Args:
        generator: network from latents to images.
        critic: network from images to raw scores `[B]`.
        fake_target: float, a.
        real_target: float, b, other than a.
        generator_target: float, c.
        penalty: a `zoo.penalties.Penalty` on the critic; None for none.
        critic_steps: int >= 1, critic steps a generator step.
        generator_batches: int >= 1, see `AdversarialModel`.
        shared_latents: bool, see `AdversarialModel`.
        ema: float in [0, 1), decay of the generator's average; None for none.
        seed: int, seed of all noise drawn in training.

    Source: Mao et al., arXiv 1611.04076, equation 2.
    """

    paper = "Mao et al., Least Squares Generative Adversarial Networks (arXiv 1611.04076)"

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        *,
        fake_target: float = -1.0,
        real_target: float = 1.0,
        generator_target: float = 0.0,
        penalty: Penalty | None = None,
        critic_steps: int = 1,
        generator_batches: int = 1,
        shared_latents: bool = False,
        ema: float | None = None,
        seed: int = 0,
        name: str | None = None,
    ):
        if fake_target == real_target:
            raise ValueError(
                f"The targets of fake (a) and real (b) images must differ, both are {real_target}."
            )
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
        self.fake_target = fake_target
        self.real_target = real_target
        self.generator_target = generator_target

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": squared_distance(real.scores, self.real_target),
            "critic_loss_fake": squared_distance(fake.scores, self.fake_target),
        }

    def generator_losses(self, fake: Examples) -> Losses:
        return {"generator_loss": squared_distance(fake.scores, self.generator_target)}
