"""EBGAN: an auto-encoder as critic, whose reconstruction error is an energy with a margin."""

import dataclasses

import tensorflow as tf
from keras import ops

from zoo.gradients import gather, norm_per_sample
from zoo.models.adversarial import AdversarialModel
from zoo.models.examples import Examples, Losses
from zoo.models.objective import Objective
from zoo.options import NotNegative, Positive
from zoo.randomness import Noise


def pull_away(codes: tf.Tensor) -> tf.Tensor:
    """Computes the mean squared cosine between each code and those of the other images.

    Args:
        codes: float32 `[b, d]`; the others are those of the global batch, of all replicas.

    Returns:
        float32 `[b]`, whose mean over the global batch is the paper's term.
    """
    units = codes / norm_per_sample(codes)[:, None]
    others = gather(units)
    squares = tf.square(tf.matmul(units, others, transpose_b=True))
    own = tf.square(tf.reduce_sum(tf.square(units), axis=-1))
    count = tf.cast(tf.maximum(tf.shape(others)[0] - 1, 1), tf.float32)
    return (tf.reduce_sum(squares, axis=-1) - own) / count


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnergyBased(Objective):
    """EBGAN's losses: the score is the energy E of an image, its reconstruction error, low = real.

    Critic `E(x) + (margin - E(g))_+`. Generator `E(g) + pull_away * PT`, where PT is the mean
    squared cosine between the codes of two generated images of the global batch.

    Source: Zhao et al., arXiv 1609.03126, equations 1 to 4. The paper's margins (10 to 80) are for
    its own scale of the error. Here E is a mean over pixels and channels of images in [-1, 1].
    """

    high_is_real = False
    needs_auto_encoder = True

    margin: Positive = 0.5
    """Energy above which generated images do not matter to the critic."""
    pull_away: NotNegative = 0.0
    """Weight of the pull-away term in the generator's loss; 0.1 in the paper's EBGAN-PT."""

    def critic_losses(self, real: Examples, fake: Examples) -> Losses:
        return {
            "critic_loss_real": real.scores,
            "critic_loss_fake": ops.relu(self.margin - fake.scores),
        }

    def diagnostics(self, real: Examples, fake: Examples) -> Losses:
        active = tf.cast(fake.scores < self.margin, tf.float32)
        return super().diagnostics(real, fake) | {"active_hinges": active}

    def generator_losses(self, fake: Examples, real: Examples) -> Losses:
        terms = {"energy_of_fakes": fake.scores}
        if self.pull_away:
            terms["pull_away"] = self.pull_away * pull_away(fake.features)
        return terms


class EnergyBasedGAN(AdversarialModel):
    """EBGAN, with the objective `EnergyBased`. The critic is a `zoo.networks.AutoEncoderCritic`."""

    objective: EnergyBased
    objective_class = EnergyBased
    summary = "an auto-encoder's error as energy (Zhao et al., 2017)"
    paper = "Zhao et al., Energy-based Generative Adversarial Network (arXiv 1609.03126)"

    def score(self, examples: Examples, noise: Noise, *, training: bool = True) -> Examples:
        if not self.objective.pull_away:
            return super().score(examples, noise, training=training)
        codes = self.critic.encode(examples.images, training=training)
        scores = self.critic.error(examples.images, codes, training=training)
        return examples._replace(scores=scores, features=tf.cast(codes, tf.float32))
