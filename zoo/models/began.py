"""BEGAN: an auto-encoder as critic, and a controller that balances the two errors."""

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

from zoo.gradients import global_sum, share_of_global_mean
from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective
from zoo.options import Factor, NotNegative


@dataclasses.dataclass(frozen=True, kw_only=True)
class BoundaryEquilibrium(Objective):
    """BEGAN's losses: the score is the reconstruction error E of an image, low = real.

    Critic `E(x) - k E(g)`. Generator `E(g)`. After each step
    `k <- clip(k + balance_rate * (diversity_ratio * E(x) - E(g)), 0, 1)` with means over the global
    batch, from k = 0 on: the model keeps k. The errors are balanced if
    `E(g) = diversity_ratio * E(x)`.

    Source: Berthelot et al., arXiv 1703.10717, section 3.4.
    """

    high_is_real = False
    needs_auto_encoder = True

    diversity_ratio: Factor = 0.5
    """Wanted ratio E(g) / E(x), the paper's gamma: 0.3 to 0.7 there. A small one gives images that
    are sharper and less diverse."""
    balance_rate: NotNegative = 0.001
    """Step size of k, the paper's lambda_k."""

    def critic_losses(
        self, real: Examples, fake: Examples, balance: tf.Tensor | float = 0.0
    ) -> Losses:
        """Returns the terms `[b]` for a given k."""
        return {"critic_loss_real": real.scores, "critic_loss_fake": -balance * fake.scores}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        return {"generator_loss": fake.scores}


class BoundaryEquilibriumGAN(AdversarialModel):
    """BEGAN, with the objective `BoundaryEquilibrium`.

    The critic is a `zoo.networks.AutoEncoderCritic`. k is a variable of the model, so checkpoints
    contain it. The logs have `balance`, which is k, and `convergence`, the paper's measure
    `E(x) + |diversity_ratio * E(x) - E(g)|`.

    Args:
        Those of `AdversarialModel`.
    """

    objective: BoundaryEquilibrium
    objective_class = BoundaryEquilibrium
    summary = "an auto-encoder with balanced errors (Berthelot et al., 2017)"
    paper = "Berthelot et al., BEGAN: Boundary Equilibrium GANs (arXiv 1703.10717)"

    def add_state(self) -> None:
        self.balance = self.add_weight((), "zeros", trainable=False, name="balance")

    def critic_terms(self, real: Examples, fake: Examples) -> tuple[Losses, Losses]:
        balance = tf.convert_to_tensor(self.balance)
        values = {"balance": tf.fill(tf.shape(real.scores), balance)}
        terms = self.objective.critic_losses(real, fake, balance)
        return terms, self.objective.diagnostics(real, fake) | values

    def finish_step(
        self, values: Mapping[str, tf.Tensor], global_batch: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        errors = [values["score_real"], values["generator_loss"]]
        shares = tf.stack([share_of_global_mean(error, global_batch) for error in errors])
        real, fake = tf.unstack(global_sum(shares))
        excess = self.objective.diversity_ratio * real - fake
        moved = tf.convert_to_tensor(self.balance) + self.objective.balance_rate * excess
        self.balance.assign(tf.clip_by_value(moved, 0.0, 1.0))
        measure = tf.fill(tf.shape(errors[0]), real + tf.abs(excess))
        return super().finish_step({**values, "convergence": measure}, global_batch)
